/** A connection for a short task, to any RabbitMQ node that answers. */
import { type ChannelModel, connect } from "amqplib";
import { refused } from "../../resilience/refusals.ts";
import { toError } from "../../resilience/retry.ts";
import { amqpAddresses } from "./address.ts";
import { explainHandshakes } from "./handshake.ts";
import { amqpRefusal } from "./refusals.ts";

/** How long one address may take, or be silent, before the next one is tried. */
const CONNECT_TIMEOUT_MS = 10_000;

explainHandshakes();

/**
 * Connects to the first address that answers. When the connection is lost, the calls in flight are rejected.
 * @throws {ConfigError} RabbitMQ refuses this configuration
 * @throws the error of the last address, where none answers
 */
export async function connectToAny(
  text: string,
  timeout: number = CONNECT_TIMEOUT_MS,
): Promise<ChannelModel> {
  let last = new Error("no address of RabbitMQ is given");
  for (const address of amqpAddresses(text)) {
    try {
      const connection = await connect(address, { noDelay: true, timeout });
      // The calls report the error. An event without a listener would end the process.
      connection.on("error", () => undefined);
      return connection;
    } catch (error) {
      const reason = amqpRefusal(error, address);
      if (reason !== undefined) throw refused("AMQP_URL", reason);
      last = toError(error);
    }
  }
  throw last;
}

/** A connection for a short task, to whichever node of RabbitMQ answers. */
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
 * Connects to the first of the addresses that answers. Where the connection is lost, the calls under way are rejected.
 * @throws {ConfigError} one answers, and will not have us as configured
 * @throws the error of the last one, where none answers
 */
export async function connectToAny(
  text: string,
  timeout: number = CONNECT_TIMEOUT_MS,
): Promise<ChannelModel> {
  let last = new Error("no address of RabbitMQ is given");
  for (const address of amqpAddresses(text)) {
    try {
      const connection = await connect(address, { noDelay: true, timeout });
      // The calls tell; the event needs a listener all the same.
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

/** A connection for a short errand, to whichever node of RabbitMQ answers. */
import { type ChannelModel, connect } from "amqplib";
import { amqpAddresses } from "./amqp-address.ts";
import { toError } from "./retry.ts";

/** How long one address may take, or be silent, before the next one is tried. */
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Connects to the first of the addresses that answers. Where the connection is lost, the calls under way are rejected.
 * @throws the error of the last one, where none does
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
      last = toError(error);
    }
  }
  throw last;
}

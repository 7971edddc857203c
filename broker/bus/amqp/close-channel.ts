import type { Channel } from "amqplib";
import { toError } from "../../resilience/retry.ts";

/** Recognises amqplib's error for using a channel that is closing or closed. Its types do not export the class. */
export const isClosed = (error: unknown): boolean => toError(error).name === "IllegalOperationError";

/**
 * Resolves when the channel is closed: by this call, by an earlier one, or with its connection. amqplib's own `close`
 * never settles when the connection is lost before RabbitMQ has answered.
 * @param gone resolves with the channel's event `close`, which may have been emitted before this call
 */
export async function closeChannel(channel: Channel, gone: Promise<void>): Promise<void> {
  try {
    await Promise.race([channel.close(), gone]);
  } catch (error) {
    if (!isClosed(error)) throw error;
    await gone;
  }
}

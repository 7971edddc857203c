import type { Channel } from "amqplib";
import { toError } from "../../resilience/retry.ts";

/** amqplib's answer to using a channel that is closing or closed; its types do not export the class. */
export const isClosed = (error: unknown): boolean => toError(error).name === "IllegalOperationError";

/**
 * Resolves when the channel is closed: by this call, by another one before it, or with its connection. amqplib's own
 * `close` never comes back where the connection is lost before RabbitMQ has answered.
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

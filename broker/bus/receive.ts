/** What every bus does with a message that has arrived. */
import { checkEnvelope, type Envelope } from "../contract/envelope.ts";
import type { Log } from "../resilience/log.ts";
import type { RateLimitedLog } from "../resilience/rate-limited-log.ts";
import { attempt, toError } from "../resilience/retry.ts";
import type { Delivery, MailboxHandlers } from "./bus.ts";

/** The message that `read` gives, or why its queue can't take it. */
export function received(read: () => unknown, receives: readonly string[]): Envelope | Error {
  try {
    const message = checkEnvelope(read());
    if (receives.includes(message.type)) return message;
    return new Error(`${message.type} is not received by this queue's contract`);
  } catch (error) {
    return toError(error);
  }
}

/** A handler that throws violates the port's contract. Its message must not stop the bus. */
export function dispatch(handlers: MailboxHandlers, delivery: Delivery, log: Log): void {
  try {
    handlers.onDelivery(delivery);
  } catch (error) {
    log.error("a mailbox handler threw", { error, type: delivery.message.type });
    void delivery.dead(toError(error), 1);
  }
}

/** Runs a worker's handler until it works, fails for good, or `over` fires. */
export const attemptWork = (
  queue: string,
  message: Envelope,
  handle: (message: Envelope) => Promise<void>,
  over: AbortSignal,
  limitedLog: RateLimitedLog,
) =>
  attempt(
    () => handle(message),
    over,
    (error, attempts, delay) =>
      limitedLog.warn(`retry ${queue}`, `${queue}: ${message.type} failed, trying again`, {
        error: error.message,
        id: message.id,
        attempts,
        delay,
      }),
  );

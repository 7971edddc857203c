/** The headers of a message in RabbitMQ's dead queue. */
import { describeFailure, type Failure } from "../failure.ts";

export interface DeadNote {
  readonly error: Failure;
  readonly attempts: number;
  /** Name of the queue it came from. */
  readonly queue: string;
  readonly exchange: string;
  readonly routingKey: string;
  /** ISO 8601. */
  readonly time: string;
}

const KEYS = {
  name: "souk-error-name",
  message: "souk-error-message",
  code: "souk-error-code",
  stack: "souk-error-stack",
  attempts: "souk-attempts",
  queue: "souk-queue",
  exchange: "souk-exchange",
  routingKey: "souk-routing-key",
  time: "souk-time",
} as const;

export function deadHeaders(
  error: Error,
  attempts: number,
  queue: string,
  { exchange, routingKey }: { exchange: string; routingKey: string },
  at: number,
): Record<string, string | number> {
  const { name, message, code, stack } = describeFailure(error);
  return {
    [KEYS.name]: name,
    [KEYS.message]: message,
    ...(code ? { [KEYS.code]: code } : {}),
    ...(stack ? { [KEYS.stack]: stack } : {}),
    [KEYS.attempts]: attempts,
    [KEYS.queue]: queue,
    [KEYS.exchange]: exchange,
    [KEYS.routingKey]: routingKey,
    [KEYS.time]: new Date(at).toISOString(),
  };
}

/**
 * Parses the headers. Undefined where RabbitMQ itself moved the message to the dead queue (`x-death` has the reason).
 */
export function readDeadHeaders(headers: Readonly<Record<string, unknown>>): DeadNote | undefined {
  if (typeof headers[KEYS.name] !== "string") return undefined;
  const text = (key: string) => String(headers[key] ?? "");
  return {
    error: {
      name: text(KEYS.name),
      message: text(KEYS.message),
      ...(headers[KEYS.code] === undefined ? {} : { code: text(KEYS.code) }),
      ...(headers[KEYS.stack] === undefined ? {} : { stack: text(KEYS.stack) }),
    },
    attempts: Number(headers[KEYS.attempts] ?? 0),
    queue: text(KEYS.queue),
    exchange: text(KEYS.exchange),
    routingKey: text(KEYS.routingKey),
    time: text(KEYS.time),
  };
}

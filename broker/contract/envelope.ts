/** CloudEvents 1.0 in JSON: the format of every message. */
import { z } from "zod";
import { type DataIn, type DataOut, type MessageType, messageContract, presentType } from "./contract.ts";
import { newId } from "./ids.ts";
import { time } from "./schemas.ts";
import { parseReceived, tolerant } from "./tolerant.ts";

const name = z.string().min(1).max(200);

export const envelopeSchema = z
  .strictObject({
    specversion: z.literal("1.0"),
    id: z.uuid().describe("Another one for each message; the same when it comes again"),
    source: name.describe("The sending service, e.g. /orders"),
    type: name.describe("What it says, e.g. order.paid"),
    subject: name.describe("Id of what the message is about"),
    time: time.describe("When it was decided"),
    datacontenttype: z.literal("application/json"),
    data: z.unknown().describe("What the type says more"),
    // Extensions of CloudEvents. The first two are present together, or not at all.
    sender: name
      .optional()
      .describe("The sending actor, <type>/<id>; absent where a worker or an action sends"),
    sequence: z.int().min(1).optional().describe("Counts up per sending actor"),
    traceparent: z.string().max(64).optional().describe("W3C trace context"),
    correlationid: name.optional().describe("The same for all that one request has caused"),
    causationid: name.optional().describe("Id of the message that it answers or follows from"),
  })
  .describe("What every message has: CloudEvents 1.0, with Souk's extensions");

export type Envelope = Omit<z.output<typeof envelopeSchema>, "data"> & { data: unknown };

/** A message of a known type. Its contract types the data. Distributes over a union of types. */
export type Message<T extends MessageType = MessageType> = {
  [K in T]: Omit<Envelope, "type" | "data"> & { type: K; data: DataOut<K> };
}[T];

export interface EnvelopeOptions {
  source: string;
  /** Milliseconds since the epoch. */
  at: number;
  id?: string;
  cause?: Pick<Envelope, "id" | "correlationid" | "traceparent">;
  correlationid?: string;
  traceparent?: string;
}

/**
 * Makes the envelope of a message, after checking `data` against the contract of `type`. It keeps the correlation id
 * and the trace of the message that caused it. That message's id becomes the causation id.
 * @throws ZodError when the data does not fit, which is a bug of the sender.
 */
export function envelope<T extends MessageType>(
  type: T,
  subject: string,
  data: DataIn<T>,
  options: EnvelopeOptions,
): Message<T> {
  return envelopeOf({ type, subject, data }, options) as Message<T>;
}

/** As {@link envelope}, for a message whose type the compiler does not know. */
export function envelopeOf(
  { type, subject, data }: Pick<Envelope, "type" | "subject" | "data">,
  options: EnvelopeOptions,
): Envelope {
  const { source, at, cause } = options;
  const id = options.id ?? newId();
  const traceparent = options.traceparent ?? cause?.traceparent;
  return {
    specversion: "1.0",
    id,
    source,
    type,
    subject,
    time: new Date(at).toISOString(),
    datacontenttype: "application/json",
    data: messageContract(type).data.parse(data),
    correlationid: options.correlationid ?? cause?.correlationid ?? cause?.id ?? id,
    ...(cause ? { causationid: cause.id } : {}),
    ...(traceparent ? { traceparent } : {}),
  };
}

const received = tolerant(envelopeSchema);

/**
 * Checks a received envelope and its data, and drops fields that are unknown here: a newer node may send more. A type
 * of an earlier release gets its present name.
 * @throws ZodError when either does not fit; {@link UnknownValueError} where a newer contract may know a value; Error
 * when the type is unknown here.
 */
export function checkEnvelope(value: unknown): Envelope {
  const checked = received.parse(value);
  const type = presentType(checked.type);
  return { ...checked, type, data: parseReceived(messageContract(type).data, checked.data, type) };
}

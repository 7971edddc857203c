/** CloudEvents 1.0 in JSON: the format of every message. */
import { z } from "zod";
import { type DataIn, type DataOut, type MessageType, messageContract, presentType } from "./contract.ts";
import { newId } from "./ids.ts";
import { parseReceived, tolerant } from "./tolerant.ts";

const name = z.string().min(1).max(200);

export const envelopeSchema = z.strictObject({
  specversion: z.literal("1.0"),
  id: z.uuid(),
  source: name,
  type: name,
  subject: name,
  time: z.iso.datetime(),
  datacontenttype: z.literal("application/json"),
  data: z.unknown(),
  /** Extension: the sending actor, `<type>/<id>`. Absent where an action or a worker sends. */
  sender: name.optional(),
  /** Extension: counts per sending actor, from 1. Present exactly where `sender` is. */
  sequence: z.int().min(1).optional(),
  traceparent: z.string().max(64).optional(),
  correlationid: name.optional(),
  causationid: name.optional(),
});

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

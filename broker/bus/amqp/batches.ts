/**
 * Several messages in one AMQP message, as a CloudEvents batch: a JSON array of envelopes. Commands and replies to one
 * partition that are sent in one pass of the event loop, for example by one group commit, share an AMQP message. Events
 * never do, because queues of other programs may be bound to them.
 */
import type { ConsumeMessage } from "amqplib";

export const SINGLE_TYPE = "application/cloudevents+json";
export const BATCH_TYPE = "application/cloudevents-batch+json";

/** A consumer prefetches AMQP messages. This bounds what it may have in memory. */
const MAX_MESSAGES = 20;
const MAX_CHARACTERS = 256 * 1024;
/** The same for copies of messages, which taps read in large batches anyway. */
export const COPIES_IN_MESSAGE = 100;

/** What one AMQP message carries. */
export interface Outgoing {
  readonly key: string;
  readonly mandatory: boolean;
  /** Id of the first message. */
  readonly id: string;
  /** Messages as JSON. */
  readonly parts: string[];
}

export interface Publication {
  readonly key: string;
  readonly partition: number;
  readonly mandatory: boolean;
  /** Whether other messages may share its AMQP message. */
  readonly mayShare: boolean;
  readonly id: string;
  readonly json: string;
}

interface OpenBatch extends Outgoing {
  characters: number;
  sent: Promise<void>;
}

/** Collects messages during one pass of the event loop. */
export class Batcher {
  readonly #send: (outgoing: Outgoing) => Promise<void>;
  #waiting: { batch: OpenBatch; sent: PromiseWithResolvers<void> }[] = [];
  /** By partition: the latest one, which alone may grow. An older one would overtake messages to the same queue. */
  readonly #latest = new Map<number, OpenBatch>();

  readonly #maxMessages: number;

  /** @param send in the order of the calls; must not throw */
  constructor(send: (outgoing: Outgoing) => Promise<void>, maxMessages = MAX_MESSAGES) {
    this.#send = send;
    this.#maxMessages = maxMessages;
  }

  /** Resolves or rejects with the AMQP message that carries it. */
  add({ key, partition, mandatory, mayShare, id, json }: Publication): Promise<void> {
    const latest = this.#latest.get(partition);
    if (mayShare && latest?.key === key && hasRoom(latest, json, this.#maxMessages)) {
      latest.parts.push(json);
      latest.characters += json.length;
      return latest.sent;
    }
    const sent = Promise.withResolvers<void>();
    const batch = { key, mandatory, id, parts: [json], characters: json.length, sent: sent.promise };
    if (mayShare) this.#latest.set(partition, batch);
    else this.#latest.delete(partition);
    if (this.#waiting.push({ batch, sent }) === 1) setImmediate(() => this.flush());
    return sent.promise;
  }

  /** Sends all that is waiting. */
  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#latest.clear();
    for (const { batch, sent } of waiting) this.#send(batch).then(sent.resolve, sent.reject);
  }
}

const hasRoom = ({ parts, characters }: OpenBatch, json: string, maxMessages: number): boolean =>
  parts.length < maxMessages && characters + json.length <= MAX_CHARACTERS;

/** The body and its type. A single message has the format that every version reads. */
export const encoded = ({ parts }: Pick<Outgoing, "parts">): { content: Buffer; contentType: string } =>
  parts.length === 1
    ? { content: Buffer.from(parts[0] ?? ""), contentType: SINGLE_TYPE }
    : { content: Buffer.from(`[${parts.join(",")}]`), contentType: BATCH_TYPE };

/** One message of a received AMQP message. */
export interface Part {
  /** For the dead queue. */
  readonly id: string;
  content(): Buffer;
  /** The parsed JSON. @throws SyntaxError */
  value(): unknown;
}

/** The messages of an AMQP message. Bytes that are no batch are one part, which fails when it is read. */
export function partsOf({ content, properties }: Pick<ConsumeMessage, "content" | "properties">): Part[] {
  const whole = {
    id: String(properties.messageId ?? ""),
    content: () => content,
    value: () => JSON.parse(content.toString()) as unknown,
  };
  if (properties.contentType !== BATCH_TYPE) return [whole];
  let values: unknown;
  try {
    values = whole.value();
  } catch {
    return [whole];
  }
  if (!Array.isArray(values) || values.length === 0) return [whole];
  return values.map((value: unknown) => ({
    id: idOf(value),
    content: () => Buffer.from(JSON.stringify(value)),
    value: () => value,
  }));
}

const idOf = (value: unknown): string => {
  const { id } = (typeof value === "object" && value !== null ? value : {}) as { id?: unknown };
  return typeof id === "string" ? id : "";
};

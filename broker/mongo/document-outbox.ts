/**
 * The outbox of documents that are not actors. An entry is written in the same update as the change. It is published
 * after that write, and removed once the bus has confirmed it. A sweep on any node finds entries that a crash left
 * behind. So delivery is at least once, under the id that was fixed at the write.
 */

import type { Collection } from "mongodb";
import type { Bus } from "../bus/bus.ts";
import type { DataIn, MessageType } from "../contract/contract.ts";
import { type Envelope, type EnvelopeOptions, envelope } from "../contract/envelope.ts";
import { redactedReason } from "../contract/secrets/redact.ts";
import type { Clock } from "../resilience/clock.ts";
import { within } from "../resilience/deadline.ts";
import type { Log } from "../resilience/log.ts";
import { rateLimitedLog } from "../resilience/rate-limited-log.ts";
import { writeGroup } from "./write-group.ts";

export interface PendingMessage {
  /** The message's id. It identifies the entry to remove. */
  id: string;
  at: Date;
  message: Envelope;
}

/** The part of a document that {@link createOutbox} needs. Its collection needs a sparse index on `outbox.at`. */
export interface OutboxDocument {
  _id: string;
  outbox?: PendingMessage[];
}

export interface OutboxOptions {
  collection: Collection<OutboxDocument>;
  /** `source` of the messages, for example `/users`. */
  source: string;
  bus: Bus;
  clock: Clock;
  log: Log;
}

type Trace = Pick<EnvelopeOptions, "traceparent" | "correlationid">;

export interface Outbox {
  /** Makes an entry. The caller puts it into a document's `outbox`. */
  entry<T extends MessageType>(type: T, subject: string, data: DataIn<T>, trace?: Trace): PendingMessage;
  /** Publishes new entries in the background. The sweep handles failures. */
  relay(documentId: string, entries: readonly PendingMessage[]): void;
}

export interface RunningOutbox extends Outbox {
  /** Publishes entries older than {@link ORPHANED_AFTER_MS}. Resolves with the number of documents that had some. */
  sweep(): Promise<number>;
  start(): void;
  /** Stops sweeping and waits for publishes in flight, for {@link STOP_MS} at most. */
  stop(): Promise<void>;
}

const SWEEP_EVERY_MS = 5_000;
/** Younger entries still belong to the node that wrote them. */
export const ORPHANED_AFTER_MS = 10_000;
/** How long a stop waits for work in flight. */
const STOP_MS = 5_000;
const DOCUMENTS_PER_SWEEP = 100;

export function createOutbox({ collection, source, bus, clock, log }: OutboxOptions): RunningOutbox {
  const running = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;

  /** Publishes in order and stops at the first failure, so that the order within a document is kept. */
  async function publish(documentId: string, entries: readonly PendingMessage[]): Promise<void> {
    const confirmed: string[] = [];
    try {
      for (const { id, message } of entries) {
        await bus.publish(message);
        confirmed.push(id);
      }
    } finally {
      if (confirmed.length > 0)
        await writeGroup(collection).update(
          { _id: documentId },
          { $pull: { outbox: { id: { $in: confirmed } } } },
        );
    }
  }

  function inBackground(what: string, work: Promise<unknown>): void {
    const settled: Promise<void> = work.then(
      () => undefined,
      (error: Error) =>
        rateLimitedLog(log).warn("outbox", `outbox: ${what}, will try again`, {
          source,
          reason: redactedReason(error),
        }),
    );
    running.add(settled);
    settled.finally(() => running.delete(settled));
  }

  async function sweep(): Promise<number> {
    const left = await collection
      .find({ "outbox.at": { $lt: new Date(clock.now() - ORPHANED_AFTER_MS) } })
      .project<OutboxDocument>({ outbox: 1 })
      .limit(DOCUMENTS_PER_SWEEP)
      .toArray();
    const results = await Promise.allSettled(left.map((it) => publish(it._id, it.outbox ?? [])));
    const failed = results.find((it) => it.status === "rejected");
    if (failed) throw failed.reason;
    return left.length;
  }

  return {
    entry(type, subject, data, trace) {
      const at = clock.now();
      const message = envelope(type, subject, data, { source, at, ...trace });
      return { id: message.id, at: new Date(at), message };
    },
    relay: (documentId, entries) => inBackground("a message was not confirmed", publish(documentId, entries)),
    sweep,
    start() {
      // While RabbitMQ is away a sweep can only fail, and the bus logs that it is away.
      const sweepIfConnected = () => {
        if (bus.state !== "connecting") inBackground("sweep failed", sweep());
      };
      // The first sweep runs at once: entries of this node's earlier run are old enough.
      sweepIfConnected();
      timer = setInterval(sweepIfConnected, SWEEP_EVERY_MS);
      timer.unref();
    },
    async stop() {
      clearInterval(timer);
      // A sweep of the next start, or of another node, handles what hangs.
      await within(STOP_MS, Promise.all(running));
    },
  };
}

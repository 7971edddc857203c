/**
 * The last events, for those who follow `GET /events`. Written only while somebody does. Numbers count up, and begin
 * at the time, so that they stay ahead of those that were removed.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Collection } from "mongodb";
import type { Connection } from "mongoose";
import type { Envelope } from "../../../broker/contract/envelope.ts";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";

export const EVENTS = "events";

const POLL_MS = 250;
const PER_MS = 100;

interface EventDocument {
  _id: number;
  type: string;
  at: Date;
  event: Envelope;
}

export interface EventLog {
  append(event: Envelope): Promise<void>;
  /** Number of the last event. */
  last(): Promise<number>;
  /** The first event with a higher number that is wanted, or null after `waitMs`. */
  next(
    after: number,
    wants: (type: string) => boolean,
    waitMs: number,
  ): Promise<{ version: number; event: Envelope } | null>;
}

interface Waiting {
  event: Envelope;
  done(): void;
  failed(error: unknown): void;
}

export function createEventLog(database: Connection, clock: Clock): EventLog {
  const events: Collection<EventDocument> = database.collection<EventDocument>(EVENTS);
  let waiting: Waiting[] = [];
  let writing = false;

  async function last(): Promise<number> {
    const newest = await events.findOne({}, { sort: { _id: -1 }, projection: { _id: 1 } });
    return newest?._id ?? (clock.now() - 1_000) * PER_MS;
  }

  /** One write at a time, in order: who has read a number has seen all below it. */
  async function write(): Promise<void> {
    if (writing) return;
    writing = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        await insert(batch.map((it) => it.event));
        for (const it of batch) it.done();
      } catch (error) {
        for (const it of batch) it.failed(error);
      }
    }
    writing = false;
  }

  /** Where another node has taken the numbers meanwhile, others are taken. An event may then be there twice. */
  async function insert(batch: readonly Envelope[]): Promise<void> {
    for (;;) {
      const now = clock.now();
      const first = Math.max((await last()) + 1, now * PER_MS);
      const documents = batch.map((event, n) => ({
        _id: first + n,
        type: event.type,
        at: new Date(now),
        event,
      }));
      try {
        await events.insertMany(documents, { ordered: true });
        return;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
    }
  }

  return {
    last,
    append(event) {
      return new Promise((done, failed) => {
        waiting.push({ event, done, failed });
        void write();
      });
    },
    async next(after, wants, waitMs) {
      const deadline = performance.now() + waitMs;
      for (;;) {
        const found = events
          .find({ _id: { $gt: after } })
          .sort({ _id: 1 })
          .limit(1_000);
        for await (const { _id: version, type, event } of found) {
          if (wants(type)) return { version, event };
          after = version;
        }
        const left = deadline - performance.now();
        if (left <= 0) return null;
        await sleep(Math.min(POLL_MS, left));
      }
    },
  };
}

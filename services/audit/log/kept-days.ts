/**
 * How long the log is kept. Whole days leave it, the oldest first. The end of a day's chain stays, so that the next day
 * still has something to begin with, and so that a missing day is known to have been dropped.
 */
import { Binary } from "mongodb";
import type { Connection } from "mongoose";
import type { Clock } from "../../../broker/resilience/clock.ts";
import { headOf } from "./block.ts";
import type { Blocks } from "./blocks.ts";
import { dayOf } from "./chain.ts";

/** The end of a day that was dropped. */
export interface DroppedDay {
  _id: string;
  /** Of its last block. */
  block: number;
  /** Number of its entries. */
  entries: number;
  hash: Binary;
  droppedAt: Date;
}

export const droppedDays = (database: Connection) => database.collection<DroppedDay>("dropped_days");

/** Drops what is older than `keptMs`, day by day. Any node may, and may die at any point. @returns the days */
export async function dropOldDays(
  blocks: Blocks,
  { database, clock, keptMs }: { database: Connection; clock: Clock; keptMs: number },
): Promise<string[]> {
  const oldest = dayOf(clock.now() - keptMs);
  const dropped: string[] = [];
  for (;;) {
    const [first] = await blocks.collection.find({}).sort({ _id: 1 }).limit(1).toArray();
    // The last day stays, however old: the next message continues its chain.
    if (!first || first.day >= oldest || first.day === (await blocks.last())?.day) return dropped;
    const { day } = first;
    const [last] = await blocks.collection.find({ day }).sort({ _id: -1 }).limit(1).toArray();
    if (!last) return dropped;
    const { block, seq, hash } = headOf(last);
    const end = { block, entries: seq, hash: new Binary(hash), droppedAt: new Date(clock.now()) };
    // It is there before the first block is gone. After a crash in between, the rest of the day is known to be leaving.
    await droppedDays(database).updateOne({ _id: day }, { $setOnInsert: end }, { upsert: true });
    await blocks.collection.deleteMany({ day, _id: { $lte: block } });
    dropped.push(day);
  }
}

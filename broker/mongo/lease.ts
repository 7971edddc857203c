/** A lock in the database: one holder at a time. It expires when its holder has died. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Connection } from "mongoose";
import type { Clock } from "../resilience/clock.ts";
import { isDuplicateKey } from "./duplicate-key.ts";

export interface LeaseOptions {
  readonly database: Connection;
  readonly collection: string;
  readonly id: string;
  /** Unique among all that may want it. */
  readonly holder: string;
  readonly clock: Clock;
  /** How long a holder has it without a renewal. */
  readonly leaseMs: number;
  /** Between two tries to get it. */
  readonly pollMs: number;
  /** How long to wait for it. Without a limit unless given. */
  readonly waitMs?: number;
}

interface LeaseRecord {
  _id: string;
  holder: string;
  until: Date;
}

/** Another holder did not release the lease in time. */
export class LeaseTaken extends Error {
  override readonly name = "LeaseTaken";
}

/**
 * Runs `work` while holding the lease. It must call `renew` before each step that takes long.
 * @throws {LeaseTaken} when the lease does not become free in time
 */
export async function withLease<T>(
  it: LeaseOptions,
  work: (renew: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const { id, holder, clock, leaseMs, pollMs, waitMs = Number.POSITIVE_INFINITY } = it;
  const records = it.database.collection<LeaseRecord>(it.collection);
  const until = () => new Date(clock.now() + leaseMs);
  const own = { _id: id, holder };

  async function acquired(): Promise<boolean> {
    try {
      const free = { _id: id, until: { $lt: new Date(clock.now()) } };
      await records.updateOne(free, { $set: { holder, until: until() } }, { upsert: true });
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  const deadline = performance.now() + waitMs;
  while (!(await acquired())) {
    if (performance.now() > deadline) throw new LeaseTaken(`another holder has ${id}`);
    await sleep(pollMs);
  }
  try {
    return await work(async () => {
      const { matchedCount } = await records.updateOne(own, { $set: { until: until() } });
      if (matchedCount === 0) throw new LeaseTaken(`${id} was taken over: a step took too long`);
    });
  } finally {
    await records.deleteOne(own);
  }
}

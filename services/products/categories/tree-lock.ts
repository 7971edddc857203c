/** Serializes changes of the category tree over all nodes. Two valid moves could make a cycle together. */
import type { Connection } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { LeaseTaken, withLease } from "../../../broker/mongo/lease.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";

const LEASE = { collection: "tree_locks", id: "tree", leaseMs: 30_000, pollMs: 50, waitMs: 5_000 };

export interface LockTools {
  database: Connection;
  clock: Clock;
}

/**
 * Runs `work` alone. It must call `renew` before each step that takes seconds.
 * @throws {SoukError} CONFLICT when another change of the tree does not end in time
 */
export async function withTreeLock<T>(
  { database, clock }: LockTools,
  work: (renew: () => Promise<void>) => Promise<T>,
): Promise<T> {
  try {
    return await withLease({ ...LEASE, database, clock, holder: newId() }, work);
  } catch (error) {
    if (!(error instanceof LeaseTaken)) throw error;
    throw new SoukError("CONFLICT", "Another change of the categories is under way; try again shortly.");
  }
}

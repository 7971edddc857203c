/** Serializes changes of the category tree over all nodes. Two valid moves could make a cycle together. */
import { type Model, Schema, trusted } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import { defineModel } from "../../../broker/mongo/model.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";

interface TreeLock {
  _id: "tree";
  holder: string;
  until: Date;
}

const schema = new Schema<TreeLock>(
  { _id: { type: String, required: true }, holder: String, until: Date },
  { versionKey: false },
);
export const treeLockModel = defineModel<TreeLock>("tree_locks", schema);

/** After a crash of its holder, the lock expires after this time. Long work renews it. */
const LEASE_MS = 30_000;
const WAIT_MS = 5_000;
const POLL_MS = 50;

export interface LockTools {
  treeLocks: Model<TreeLock>;
  clock: Clock;
}

/**
 * Runs `work` alone. It must call `renew` before each step that takes seconds.
 * @throws {SoukError} CONFLICT when another change of the tree does not end in time
 */
export async function withTreeLock<T>(
  { treeLocks, clock }: LockTools,
  work: (renew: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const holder = newId();
  const until = () => new Date(clock.now() + LEASE_MS);
  const deadline = performance.now() + WAIT_MS;
  while (!(await acquire(treeLocks, holder, clock.now(), until()))) {
    if (performance.now() > deadline)
      throw new SoukError("CONFLICT", "Another change of the categories is under way; try again shortly.");
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  try {
    return await work(async () => {
      const { matchedCount } = await treeLocks.updateOne(
        { _id: "tree", holder },
        { $set: { until: until() } },
      );
      if (matchedCount === 0) throw new Error("the lock of the category tree was lost");
    });
  } finally {
    await treeLocks.deleteOne({ _id: "tree", holder });
  }
}

async function acquire(
  treeLocks: Model<TreeLock>,
  holder: string,
  now: number,
  until: Date,
): Promise<boolean> {
  try {
    const free = { _id: "tree", until: trusted({ $lt: new Date(now) }) } as const;
    await treeLocks.updateOne(free, { $set: { holder, until } }, { upsert: true });
    return true;
  } catch (error) {
    if (isDuplicateKey(error)) return false;
    throw error;
  }
}

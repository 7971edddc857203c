/** Bounds how much one customer writes in an hour, so that nobody floods a product or the moderators. */
import type { Connection } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";

export const WRITES = "review_writes";
const HOUR_MS = 3_600_000;

interface Writes {
  /** Customer and hour. */
  _id: string;
  count: number;
  expiresAt: Date;
}

/** Counts a write of a customer. @throws {SoukError} RATE_LIMITED when there were too many in this clock hour */
export async function countWrite(
  database: Connection,
  clock: Clock,
  customerId: string,
  perHour: number,
): Promise<void> {
  const now = clock.now();
  const hour = Math.floor(now / HOUR_MS);
  const ends = (hour + 1) * HOUR_MS;
  const count = () =>
    database
      .collection<Writes>(WRITES)
      .findOneAndUpdate(
        { _id: `${customerId}/${hour}` },
        { $inc: { count: 1 }, $setOnInsert: { expiresAt: new Date(ends) } },
        { upsert: true, returnDocument: "after" },
      );
  // Two first writes may both try to insert.
  const counted = await count().catch((error: unknown) => {
    if (isDuplicateKey(error)) return count();
    throw error;
  });
  if ((counted?.count ?? 0) > perHour)
    throw new SoukError("RATE_LIMITED", `${perHour} reviews an hour are the most.`, {
      retryAfter: Math.ceil((ends - now) / 1_000),
    });
}

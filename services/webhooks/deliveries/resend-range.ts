/**
 * Sends the deliveries of a time again, a part at each step. What is done is noted after each part, so that a crash
 * repeats one part at most; its deliveries keep their ids.
 */
import type { Connection } from "mongoose";
import type { Clock } from "../../../broker/resilience/clock.ts";
import { matcherOf } from "../endpoints/event-patterns.ts";
import type { ResendView } from "../webhooks.schemas.ts";
import { type DeliveryStore, type DeliveryTimes, sentAgain } from "./delivery-store.ts";

export const RESENDS = "resends";
const PART = 200;

export interface ResendDocument {
  _id: string;
  endpointId: string;
  from: Date;
  to: Date;
  types: string[];
  status: ResendView["status"];
  deliveries: number;
  /** Position of the last delivery that was done. */
  after: string;
  createdAt: Date;
}

export const resendsIn = (database: Connection) => database.collection<ResendDocument>(RESENDS);

/** The lowest UUIDv7 of a time. */
export function firstIdAt(time: Date): string {
  const hex = Math.max(0, time.getTime()).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7000-8000-000000000000`;
}

export interface ResendTools {
  readonly database: Connection;
  readonly store: DeliveryStore;
  readonly clock: Clock;
  readonly times: DeliveryTimes;
}

/** One part of each resending of these endpoints. @returns the endpoints that have something to send now */
export async function resendSome(
  tools: ResendTools,
  endpointIds: readonly string[],
): Promise<readonly string[]> {
  const running = await resendsIn(tools.database)
    .find({ status: "running", endpointId: { $in: [...endpointIds] } })
    .limit(20)
    .toArray();
  for (const resend of running) await resendPart(tools, resend);
  return running.map((it) => it.endpointId);
}

async function resendPart(
  { database, store, clock, times }: ResendTools,
  { _id, endpointId, after, to, types }: ResendDocument,
): Promise<void> {
  const part = await store.collection
    .find({ endpointId, position: { $gt: after, $lt: firstIdAt(to) } })
    .project<{ _id: string; position: string; type: string }>({ position: 1, type: 1 })
    .sort({ position: 1 })
    .limit(PART)
    .toArray();
  const wanted = part.filter((it) => matcherOf(types)(it.type)).map((it) => it._id);
  if (wanted.length > 0)
    await store.collection.updateMany({ _id: { $in: wanted } }, sentAgain(clock.now(), times));
  await resendsIn(database).updateOne(
    { _id, after },
    {
      $set: { after: part.at(-1)?.position ?? after, status: part.length < PART ? "done" : "running" },
      $inc: { deliveries: wanted.length },
    },
  );
}

export const resendViewOf = (it: ResendDocument): ResendView => ({
  id: it._id,
  endpointId: it.endpointId,
  from: it.from.toISOString(),
  to: it.to.toISOString(),
  status: it.status,
  deliveries: it.deliveries,
  createdAt: it.createdAt.toISOString(),
});

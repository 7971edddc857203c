/**
 * The record of what staff and keys do. A gateway announces a request before it calls the action, and tells the outcome
 * after it. So an action that took effect is never missing. If the gateway ends in between, the act is published with
 * the outcome `unknown`. The message is in the same document and the same write as the outcome.
 */
import type { Connection, Model } from "mongoose";
import { trusted } from "mongoose";
import type { Bus } from "../../../broker/bus/bus.ts";
import { redactedReason } from "../../../broker/contract/secrets/redact.ts";
import { createOutbox, type OutboxDocument } from "../../../broker/mongo/document-outbox.ts";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { Log } from "../../../broker/resilience/log.ts";
import { Loop } from "../../../broker/resilience/loop.ts";
import { rateLimitedLog } from "../../../broker/resilience/rate-limited-log.ts";
import type { StaffAct, StaffOutcome } from "../contract/staff.messages.ts";
import { type RecordedAct, staffActModel } from "./staff-act.model.ts";

/** Longer than actions take. A late outcome is published as well. */
export const UNKNOWN_AFTER_MS = 120_000;
const LOOK_EVERY_MS = 30_000;
const ACTS_PER_LOOK = 100;
const KEPT_MS = 7 * 86_400_000;

export interface StaffActs {
  /** Before the action. Writing it again changes nothing. */
  attempted(id: string, act: StaffAct): Promise<void>;
  /** After the action, or for a request that no action was called for. */
  ended(id: string, act: StaffAct, status: number): Promise<void>;
  /** Publishes acts whose gateway never told the outcome. */
  concludeUnknown(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

export interface StaffActsOptions {
  acts: Model<RecordedAct>;
  database: Connection;
  bus: Bus;
  clock: Clock;
  log: Log;
}

export function createStaffActs({ acts, database, bus, clock, log }: StaffActsOptions): StaffActs {
  const collection = database.collection<OutboxDocument>(staffActModel.collection);
  const outbox = createOutbox({ collection, source: "/users", bus, clock, log });

  async function conclude(id: string, act: StaffAct, outcome: StaffOutcome, status?: number): Promise<void> {
    const told = { ...act, outcome, ...(status === undefined ? {} : { status }) };
    const message = outbox.entry("staff.acted", act.actor.userId, told);
    const now = clock.now();
    const open: RecordedAct["outcome"][] = outcome === "unknown" ? ["attempted"] : ["attempted", "unknown"];
    try {
      const { matchedCount, upsertedCount } = await acts.updateOne(
        { _id: id, outcome: trusted({ $in: open }) },
        {
          $set: { outcome, expiresAt: new Date(now + KEPT_MS) },
          $push: { outbox: message },
          $setOnInsert: { act, recordedAt: new Date(now) },
        },
        { upsert: outcome !== "unknown" },
      );
      if (matchedCount + upsertedCount > 0) outbox.relay(id, [message]);
    } catch (error) {
      // The outcome was told before.
      if (!isDuplicateKey(error)) throw error;
    }
  }

  async function concludeUnknown(): Promise<void> {
    const left = await acts
      .find({
        outcome: "attempted",
        recordedAt: trusted({ $lt: new Date(clock.now() - UNKNOWN_AFTER_MS) }),
      })
      .limit(ACTS_PER_LOOK)
      .lean<RecordedAct[]>();
    for (const { _id, act } of left) await conclude(_id, act, "unknown");
  }

  const looks = new Loop(LOOK_EVERY_MS, concludeUnknown, (error) =>
    rateLimitedLog(log).warn("acts", "acts of staff without an outcome could not be looked for", {
      reason: redactedReason(error),
    }),
  );

  return {
    async attempted(id, act) {
      const written = { act, outcome: "attempted" as const, recordedAt: new Date(clock.now()) };
      await acts.updateOne({ _id: id }, { $setOnInsert: written }, { upsert: true });
    },
    ended: (id, act, status) => conclude(id, act, outcomeOf(status), status),
    concludeUnknown,
    start() {
      outbox.start();
      looks.start();
    },
    async stop() {
      await Promise.all([outbox.stop(), looks.stop()]);
    },
  };
}

const outcomeOf = (status: number): StaffOutcome =>
  status >= 500 ? "failed" : status >= 400 ? "refused" : "succeeded";

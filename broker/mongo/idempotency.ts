/**
 * `Idempotency-Key`: an action that is called twice with one key runs once and answers twice.
 *
 * The owning service keeps one record per caller, action and key in its database. The record is inserted before the
 * work and completed with the answer after it: two writes per request. The caller does not wait for the second one,
 * because the effect is durable by then. A repeated request to the same process does.
 *
 * A crash before the second write leaves the record in progress. When its lease has expired, the next request runs
 * the action again with the same `ctx.meta.resourceId`. The action must use that id for what it creates, so the second
 * run finds what the first run created, and answers with what it is by then.
 *
 * Successes and refusals below 500 are kept and repeated. Failures of validation, sign-in and limits are not kept:
 * the key stays free. Status 500 and above is not kept either: the next request takes over at once, with the same
 * `resourceId`.
 */

import { hash } from "node:crypto";
import type { Connection } from "mongoose";
import type { CallMeta } from "../contract/call-meta.ts";
import { type ErrorCode, type ErrorData, errorCode, errorEntry, SoukError } from "../contract/errors.ts";
import { newId } from "../contract/ids.ts";
import { redactedReason } from "../contract/secrets/redact.ts";
import type { Clock } from "../resilience/clock.ts";
import type { Log } from "../resilience/log.ts";
import { rateLimitedLog } from "../resilience/rate-limited-log.ts";
import { writeGroup } from "./write-group.ts";

const COLLECTION = "idempotency_keys";
/** How long answers are kept. */
export const KEY_TTL_MS = 48 * 3_600_000;
/** A run that has not renewed its lease for this long is considered dead. */
export const LEASE_MS = 8_000;
/** How often a long run renews its lease. */
const RENEW_EVERY_MS = 2_500;

interface Refused {
  code: ErrorCode;
  detail: string;
  data: ErrorData;
}

interface KeyRecord {
  /** `<caller>/<action>/<key>`. Its uniqueness prevents two concurrent runs. */
  _id: string;
  /** SHA-256 of the parameters. */
  fingerprint: string;
  state: "in_progress" | "done";
  resourceId: string;
  /** Names the run that holds the lease. Only this run may write to the record. */
  run: string;
  lockedUntil: Date;
  expiresAt: Date;
  status?: number;
  /** JSON text, so that it is returned unchanged. */
  body?: string;
  headers?: Record<string, string>;
  refused?: Refused;
}

/** Creates the index by which records expire. */
export async function idempotencyIndexes(connection: Connection): Promise<void> {
  await connection.collection(COLLECTION).createIndex({ expiresAt: 1 }, { expireAfterSeconds: 0 });
}

/** Undoes {@link idempotencyIndexes}. */
export async function dropIdempotencyIndexes(connection: Connection): Promise<void> {
  await connection.collection(COLLECTION).dropIndex("expiresAt_1");
}

export interface OnceTools {
  /** The owning service's database. */
  connection: Connection;
  clock: Clock;
  log: Log;
}

export interface OnceCall {
  /** Full name of the action. */
  action: string;
  /** Parameters as validated: equal requests have equal ones. */
  params: unknown;
  /**
   * Caller and key are read from it. `resourceId` is written to it, and on a repeated answer also status and headers.
   */
  meta: CallMeta;
  /** Status of the action's success. */
  status: number;
}

/**
 * Runs `work`, unless it has run with this key before. In that case it repeats the first answer.
 * @throws {SoukError} IDEMPOTENCY_KEY_MISSING, IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_IN_PROGRESS, or what `work` throws
 */
export async function once<T>(tools: OnceTools, call: OnceCall, work: () => Promise<T> | T): Promise<T> {
  const records = tools.connection.collection<KeyRecord>(COLLECTION);
  const { _id, fingerprint } = identify(call);
  const claimed = await claim();
  if (claimed.state === "done") return repeat<T>(claimed, call.meta);
  call.meta.resourceId = claimed.resourceId;
  const mine = { _id, run: claimed.run };
  const lease = setInterval(() => void settle("a sign of life", renew), RENEW_EVERY_MS).unref();
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await settle("a failure", () => recordFailure(error));
    throw error;
  } finally {
    clearInterval(lease);
  }
  const completed = { $set: answer(result) };
  storing(tools.connection).add(
    _id,
    settle("an answer", () => writeGroup(records).update(mine, completed)),
  );
  return result;

  async function claim(): Promise<KeyRecord> {
    await storing(tools.connection).of(_id);
    const fresh = newRecord(_id, fingerprint, tools.clock.now());
    if (await writeGroup(records).insertNew(fresh)) return fresh;
    const known = await records.findOne({ _id });
    // The record has expired or was freed. The next request finds the key free.
    if (!known) throw inProgress();
    return takeOver(known);
  }

  async function takeOver(known: KeyRecord): Promise<KeyRecord> {
    const now = tools.clock.now();
    if (known.expiresAt.getTime() <= now) {
      const fresh = newRecord(_id, fingerprint, now);
      const { modifiedCount } = await records.replaceOne({ _id, expiresAt: known.expiresAt }, fresh);
      if (modifiedCount === 0) throw inProgress();
      return fresh;
    }
    if (known.fingerprint !== fingerprint) throw new SoukError("IDEMPOTENCY_KEY_REUSED");
    if (known.state === "done") return known;
    if (known.lockedUntil.getTime() > now) throw inProgress();
    const lease = { run: newId(), lockedUntil: new Date(now + LEASE_MS) };
    const { modifiedCount } = await records.updateOne(
      { _id, state: "in_progress", lockedUntil: known.lockedUntil },
      { $set: lease },
    );
    if (modifiedCount === 0) throw inProgress();
    return { ...known, ...lease };
  }

  /** Is not called after the run's end, when the run no longer owns the record. */
  function renew(): Promise<unknown> {
    const lockedUntil = new Date(tools.clock.now() + LEASE_MS);
    return writeGroup(records).update({ ...mine, state: "in_progress" }, { $set: { lockedUntil } });
  }

  function answer(value: T): Partial<KeyRecord> {
    return {
      state: "done",
      status: call.meta.$statusCode ?? call.status,
      body: JSON.stringify(value ?? null),
      ...(call.meta.$responseHeaders ? { headers: call.meta.$responseHeaders } : {}),
    };
  }

  async function recordFailure(error: unknown): Promise<unknown> {
    const code = errorCode(error);
    if (code === undefined || errorEntry(code).status >= 500)
      return records.updateOne(mine, { $set: { run: "", lockedUntil: new Date(0) } });
    if (NOT_KEPT.has(code)) return records.deleteOne(mine);
    const { message, data } = error as SoukError;
    const refused: Refused = { code, detail: message, data: (data as ErrorData | undefined) ?? {} };
    return records.updateOne(mine, { $set: { state: "done", refused } });
  }

  /**
   * The work is over, whether or not its record can be written. The record only decides what a later request gets.
   */
  async function settle(what: string, write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
    } catch (error) {
      rateLimitedLog(tools.log).error(
        "idempotency",
        `${call.action}: ${what} could not be kept for its Idempotency-Key`,
        {
          reason: redactedReason(error),
        },
      );
    }
  }
}

/** Answers that were given and are being stored. */
class AnswersUnderWay {
  readonly #writes = new Map<string, Promise<void>>();

  /** @param write never rejects */
  add(record: string, write: Promise<void>): void {
    this.#writes.set(record, write);
    void write.then(() => {
      if (this.#writes.get(record) === write) this.#writes.delete(record);
    });
  }

  of(record: string): Promise<void> | undefined {
    return this.#writes.get(record);
  }

  async all(): Promise<void> {
    await Promise.all(this.#writes.values());
  }
}

const byConnection = new WeakMap<Connection, AnswersUnderWay>();

function storing(connection: Connection): AnswersUnderWay {
  let answers = byConnection.get(connection);
  if (!answers) {
    answers = new AnswersUnderWay();
    byConnection.set(connection, answers);
  }
  return answers;
}

/** Resolves when the answers of all requests that have ended are stored, or could not be. For a stop. */
export const answersStored = (connection: Connection): Promise<void> => storing(connection).all();

/**
 * Forgets what a user was answered, whose account is gone: answers may repeat names and addresses. Requests under way
 * keep their records.
 */
export async function forgetAnswers(connection: Connection, userId: string): Promise<void> {
  await connection.collection<KeyRecord>(COLLECTION).deleteMany({
    // All that begins with the user's id and a slash.
    _id: { $gte: `${userId}/`, $lt: `${userId}0` },
    state: "done",
  });
}

/** Refusals that say nothing about the request's effect. The same key may be used again with a corrected request. */
const NOT_KEPT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "VALIDATION_FAILED",
  "UNAUTHENTICATED",
  "FORBIDDEN",
  "RATE_LIMITED",
  "IDEMPOTENCY_KEY_MISSING",
  "IDEMPOTENCY_KEY_INVALID",
  "IDEMPOTENCY_KEY_REUSED",
  "IDEMPOTENCY_IN_PROGRESS",
]);

function identify({ action, params, meta }: OnceCall): { _id: string; fingerprint: string } {
  if (!meta.idempotencyKey) throw new SoukError("IDEMPOTENCY_KEY_MISSING");
  const caller = meta.user?.id ?? guestOf(meta) ?? meta.clientIp ?? "internal";
  return {
    _id: `${caller}/${action}/${meta.idempotencyKey}`,
    fingerprint: hash("sha256", canonicalJson(params), "base64url"),
  };
}

/** Guests behind one address have keys of their own. What they are known by is a secret. */
function guestOf({ orderToken, cartId }: CallMeta): string | undefined {
  const secret = orderToken ?? cartId;
  return secret && `guest-${hash("sha256", secret, "base64url")}`;
}

const newRecord = (_id: string, fingerprint: string, now: number): KeyRecord => ({
  _id,
  fingerprint,
  state: "in_progress",
  resourceId: newId(),
  run: newId(),
  lockedUntil: new Date(now + LEASE_MS),
  expiresAt: new Date(now + KEY_TTL_MS),
});

function repeat<T>({ refused, body, status, headers, resourceId }: KeyRecord, meta: CallMeta): T {
  meta.$responseHeaders = { ...headers, "Idempotent-Replayed": "true" };
  meta.resourceId = resourceId;
  if (refused) throw new SoukError(refused.code, refused.detail, refused.data);
  if (body === undefined) throw new Error("a completed idempotency record has no answer");
  if (status !== undefined) meta.$statusCode = status;
  return JSON.parse(body) as T;
}

const inProgress = (): SoukError => new SoukError("IDEMPOTENCY_IN_PROGRESS", undefined, { retryAfter: 1 });

/** JSON with sorted keys, so that equal values give equal text. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  });
}

/**
 * What happens to a message whose handler fails. A transient cause (database away) is retried for as long as it
 * lasts. Any other cause is tried {@link MAX_TRIES} times, then the message goes to the dead queue. Workers and the
 * actor runtime share this policy.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import { Errors } from "moleculer";
import { expectedFailure } from "../contract/errors.ts";
import { UnknownValueError } from "../contract/tolerant.ts";

export const MAX_TRIES = 5;
const FIRST_DELAY_MS = 100;
export const MAX_DELAY_MS = 10_000;

/** Milliseconds to wait after the `attempt`th failure (from 1). Doubles up to `cap`. Half of it is random. */
export function backoff(
  attempt: number,
  cap: number = MAX_DELAY_MS,
  random: () => number = Math.random,
): number {
  const full = Math.min(cap, FIRST_DELAY_MS * 2 ** Math.min(Math.max(attempt, 1) - 1, 30));
  return full / 2 + (random() * full) / 2;
}

/** Names of driver errors for "not reachable now" (MongoDB, mongoose, ioredis, fetch, AbortSignal.timeout). */
const PASSING_NAMES = new Set([
  "MongoNetworkError",
  "MongoNetworkTimeoutError",
  "MongoServerSelectionError",
  "MongoNotConnectedError",
  "MongoTopologyClosedError",
  "MongoPoolClosedError",
  "MongoPoolClearedError",
  "PoolClearedOnNetworkError",
  "MongoWaitQueueTimeoutError",
  "WaitQueueTimeoutError",
  "MongoOperationTimeoutError",
  "MongoExpiredSessionError",
  "MongooseServerSelectionError",
  "MaxRetriesPerRequestError",
  "ClusterAllFailedError",
  "TimeoutError",
  "ConnectTimeoutError",
]);

/** Codes of Node.js and undici for a network that does not answer. */
const PASSING_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_SOCKET",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
]);

/** MongoDB server codes for elections, shutdowns, time-outs, locks and write conflicts. */
const PASSING_MONGO_CODES = new Set([
  6, 7, 24, 46, 50, 64, 89, 91, 112, 134, 189, 202, 262, 317, 358, 384, 462, 9001, 10107, 11600, 11602, 13388,
  13435, 13436,
]);
const PASSING_LABELS = [
  "RetryableWriteError",
  "TransientTransactionError",
  "UnknownTransactionCommitResult",
  "ResumableChangeStreamError",
  "SystemOverloadedError",
];

/** Replies of Redis while a server loads, fails over, is cut off, full, or can't write its files. */
const PASSING_REDIS =
  /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|BUSY|OOM|MISCONF) |^Connection is closed|^Command timed out$/;
const MONGOOSE_BUFFERING = /buffering timed out after/;

/** Our own error for something that may succeed when it is tried again later. */
export class TransientError extends Error {
  override readonly name: string = "TransientError";
}

/**
 * Whether trying the same again later may succeed: something that the handler needs is away or overloaded.
 * Looks through causes and aggregates; an expected failure speaks for itself.
 */
export function isTransient(error: unknown, depth = 0): boolean {
  if (typeof error !== "object" || error === null || depth > 5) return false;
  if (error instanceof TransientError) return true;
  // A newer node will take it, or replace this one.
  if (error instanceof UnknownValueError) return true;
  const expected = expectedFailure(error);
  if (expected) return expected.retryable === true;
  if (error instanceof Errors.MoleculerRetryableError) return true;
  if (error instanceof Errors.MoleculerError) return error.retryable === true;
  const { name, code, message, cause, errors } = error as {
    name?: unknown;
    code?: unknown;
    message?: unknown;
    cause?: unknown;
    errors?: unknown;
  };
  const text = typeof message === "string" ? message : "";
  if (typeof name === "string") {
    if (PASSING_NAMES.has(name)) return true;
    if (name === "ReplyError" || name === "Error") if (PASSING_REDIS.test(text)) return true;
    if (name === "MongooseError" && MONGOOSE_BUFFERING.test(text)) return true;
    if (name.startsWith("Mongo") && typeof code === "number" && PASSING_MONGO_CODES.has(code)) return true;
  }
  if (typeof code === "string" && PASSING_CODES.has(code)) return true;
  if (hasLabels(error) && PASSING_LABELS.some((label) => error.hasErrorLabel(label))) return true;
  if (Array.isArray(errors) && errors.some((it) => isTransient(it, depth + 1))) return true;
  return isTransient(cause, depth + 1);
}

function hasLabels(error: object): error is { hasErrorLabel(label: string): boolean } {
  return "hasErrorLabel" in error && typeof error.hasErrorLabel === "function";
}

/** What to do after a failure. */
export type Verdict = { readonly dead: true } | { readonly dead: false; readonly delay: number };

/** Counts the failures of one message and decides what follows. */
export class Attempts {
  /** Failed runs, for any cause. */
  failures = 0;
  #own = 0;
  #passing = 0;

  /** @returns whether to give up, else the milliseconds to wait before the next try */
  failed(error: unknown, random: () => number = Math.random): Verdict {
    this.failures++;
    if (isTransient(error)) return { dead: false, delay: backoff(++this.#passing, MAX_DELAY_MS, random) };
    this.#passing = 0;
    if (++this.#own >= MAX_TRIES) return { dead: true };
    return { dead: false, delay: backoff(this.#own, MAX_DELAY_MS, random) };
  }
}

export type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "dead"; readonly error: Error; readonly attempts: number }
  /** Stopped because `abandoned` fired. The message is not acknowledged and will be delivered again. */
  | { readonly kind: "abandoned" };

/**
 * Runs `work` under the policy, until it succeeds, must go to the dead queue, or `abandoned` fires between two tries.
 * @param onFailure called after every failure that will be tried again
 */
export async function attempt(
  work: () => Promise<void>,
  abandoned: AbortSignal,
  onFailure: (error: Error, attempts: number, delay: number) => void,
): Promise<Outcome> {
  const attempts = new Attempts();
  while (!abandoned.aborted) {
    try {
      await work();
      return { kind: "done" };
    } catch (thrown) {
      const error = toError(thrown);
      const verdict = attempts.failed(error);
      if (verdict.dead) return { kind: "dead", error, attempts: attempts.failures };
      onFailure(error, attempts.failures, verdict.delay);
      await pause(verdict.delay, abandoned);
    }
  }
  return { kind: "abandoned" };
}

/** Waits. Returns early when the signal fires. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

export const toError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(`thrown: ${inspect(thrown, { depth: 2 }).slice(0, 500)}`);

/**
 * Bounds how often one account's password can be guessed, from however many addresses. The first {@link FREE} wrong tries
 * of a day are free; after them one try has its turn in a time that doubles up to {@link LONGEST_MS}, and all others are
 * turned away unlooked at, so that nothing is learned from them. An address that has signed in before, and each session
 * that asks for the current password, counts for itself: strangers can't slow the owner down there. An account that
 * does not exist is counted alike.
 */

import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import { errorCode, SoukError } from "../../../broker/contract/errors.ts";
import { ANSWERS_WITHIN_MS, openRedis } from "../../../broker/moleculer/redis.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { Log } from "../../../broker/resilience/log.ts";
import { rateLimitedLog } from "../../../broker/resilience/rate-limited-log.ts";

export const FREE = 10;
export const LONGEST_MS = 300_000;
const DAY_MS = 86_400_000;

/** Whose password, and who tries, each as one text. */
export interface Guesser {
  account: string;
  /** Something that only somebody has who knew the password before: a known address, a session. */
  known?: string | undefined;
}

export interface GuessLimits {
  /**
   * Runs a check of a password.
   * @param check throws INVALID_CREDENTIALS or WRONG_PASSWORD for a wrong one; any other failure is no try
   * @throws {SoukError} RATE_LIMITED when it is not this try's turn; else whatever `check` throws
   */
  attempt<T>(who: Guesser, check: () => Promise<T>): Promise<T>;
}

/** What is counted, where: in this process, or shared. */
export interface GuessCounters {
  /** @returns how many there are of the day now */
  add(key: string): Promise<number>;
  takeBack(key: string): Promise<void>;
  /** Takes the only turn of so many milliseconds. @returns 0, or the milliseconds until the next one */
  turn(key: string, ms: number): Promise<number>;
  /** Closes connections of its own. */
  close(): void;
}

export function createGuessLimits(counters: GuessCounters): GuessLimits {
  async function admit(key: string): Promise<void> {
    const tries = await counters.add(key);
    if (tries <= FREE) return;
    const wait = await counters.turn(key, Math.min(1_000 * 2 ** Math.min(tries - FREE, 30), LONGEST_MS));
    if (wait === 0) return;
    await counters.takeBack(key);
    const retryAfter = Math.ceil(wait / 1_000);
    throw new SoukError("RATE_LIMITED", `Too many wrong passwords; try again in ${retryAfter} s.`, {
      retryAfter,
    });
  }

  return {
    async attempt({ account, known }, check) {
      const key = hash("sha256", known === undefined ? account : `${account} ${known}`, "base64url");
      await admit(key);
      try {
        const passed = await check();
        await counters.takeBack(key);
        return passed;
      } catch (error) {
        if (!["INVALID_CREDENTIALS", "WRONG_PASSWORD"].includes(errorCode(error) ?? ""))
          await counters.takeBack(key);
        throw error;
      }
    },
  };
}

/** Accounts that are remembered at once: each costs a check of a password, some 35 ms, to be counted. */
const MAX_KEYS = 100_000;

export function memoryCounters(clock: Clock, max = MAX_KEYS): GuessCounters {
  const tries = new LRUCache<string, { count: number; until: number }>({ max });
  const turns = new LRUCache<string, number>({ max });
  return {
    close: () => undefined,
    async add(key) {
      const last = tries.get(key);
      const entry = last && last.until > clock.now() ? last : { count: 0, until: clock.now() + DAY_MS };
      entry.count++;
      tries.set(key, entry);
      return entry.count;
    },
    async takeBack(key) {
      const entry = tries.get(key);
      if (entry) entry.count = Math.max(0, entry.count - 1);
    },
    async turn(key, ms) {
      const wait = (turns.get(key) ?? 0) - clock.now();
      if (wait > 0) return wait;
      turns.set(key, clock.now() + ms);
      return 0;
    },
  };
}

/** Shared by all nodes; while Redis is away each node counts for itself. */
export function redisCounters(url: string, namespace: string, clock: Clock, log: Log): GuessCounters {
  const redis = openRedis(url, {
    enableOfflineQueue: false,
    commandTimeout: ANSWERS_WITHIN_MS,
    maxRetriesPerRequest: 1,
    alarms: rateLimitedLog(log),
    away: "this node counts wrong passwords alone, Redis is away",
  });
  const options = { storeClient: redis, rejectIfRedisNotReady: true };
  const prefix = `souk-${namespace}:guesses`;
  const tries = new RateLimiterRedis({
    ...options,
    keyPrefix: prefix,
    points: Number.MAX_SAFE_INTEGER,
    duration: DAY_MS / 1_000,
  });
  const turns = new RateLimiterRedis({ ...options, keyPrefix: `${prefix}:turn`, points: 1, duration: 1 });
  const own = memoryCounters(clock);
  const orAlone = async <T>(shared: () => Promise<T>, alone: () => Promise<T>): Promise<T> => {
    try {
      return await shared();
    } catch (error) {
      log.debug("Redis is away: wrong passwords are counted by this node alone", { reason: String(error) });
      return alone();
    }
  };
  return {
    close: () => redis.disconnect(),
    add: (key) =>
      orAlone(
        async () => (await tries.penalty(key, 1)).consumedPoints,
        () => own.add(key),
      ),
    takeBack: (key) =>
      orAlone(
        async () => void (await tries.reward(key, 1)),
        () => own.takeBack(key),
      ),
    turn: (key, ms) =>
      orAlone(
        async () => {
          try {
            await turns.consume(key, 1, { customDuration: Math.ceil(ms / 1_000) });
            return 0;
          } catch (thrown) {
            if (thrown instanceof RateLimiterRes) return Math.max(1, thrown.msBeforeNext);
            throw thrown;
          }
        },
        () => own.turn(key, ms),
      ),
  };
}

/**
 * Limits guesses of one account's password, from any number of addresses. The first {@link FREE_ATTEMPTS} wrong attempts of a
 * day are immediate. After that, one attempt per interval is checked, and the interval doubles up to
 * {@link LONGEST_MS}. All others are refused unchecked, so that nothing is learned from them.
 *
 * A known address, and each session that asks for the current password, has its own count. So strangers can't slow
 * down the owner there. An account that does not exist is counted in the same way.
 */

import { hash } from "node:crypto";
import { RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import { errorCode, SoukError } from "../../../broker/contract/errors.ts";
import { ANSWERS_WITHIN_MS, openRedis } from "../../../broker/moleculer/redis.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import { growingCache } from "../../../broker/resilience/growing-cache.ts";
import type { Log } from "../../../broker/resilience/log.ts";
import { rateLimitedLog } from "../../../broker/resilience/rate-limited-log.ts";

export const FREE_ATTEMPTS = 10;
export const LONGEST_MS = 300_000;
const DAY_MS = 86_400_000;

/** Whose password, and who tries, each as one text. */
export interface LoginAttempt {
  account: string;
  /** Evidence that the caller knew the password before: a known address, or a session. */
  known?: string | undefined;
}

export interface LoginLimits {
  /**
   * Runs a check of a password.
   * @param check throws INVALID_CREDENTIALS, WRONG_PASSWORD or INVALID_CODE for a wrong one; any other failure is no attempt
   * @throws {SoukError} RATE_LIMITED when this attempt must wait; else any error of `check`
   */
  attempt<T>(who: LoginAttempt, check: () => Promise<T>): Promise<T>;
}

/** Where attempts are counted: in this process, or shared. */
export interface GuessCounters {
  /** @returns today's count including this one */
  add(key: string): Promise<number>;
  takeBack(key: string): Promise<void>;
  /** Takes the only slot of so many milliseconds. @returns 0, or the milliseconds until the next one */
  takeSlot(key: string, ms: number): Promise<number>;
  /** Closes its own connections. */
  close(): void;
}

export function createLoginLimits(counters: GuessCounters): LoginLimits {
  async function admit(key: string): Promise<void> {
    const tries = await counters.add(key);
    if (tries <= FREE_ATTEMPTS) return;
    const wait = await counters.takeSlot(
      key,
      Math.min(1_000 * 2 ** Math.min(tries - FREE_ATTEMPTS, 30), LONGEST_MS),
    );
    if (wait === 0) return;
    await counters.takeBack(key);
    const retryAfter = Math.ceil(wait / 1_000);
    throw new SoukError("RATE_LIMITED", `Too many wrong attempts; try again in ${retryAfter} s.`, {
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
        if (!["INVALID_CREDENTIALS", "WRONG_PASSWORD", "INVALID_CODE"].includes(errorCode(error) ?? ""))
          await counters.takeBack(key);
        throw error;
      }
    },
  };
}

/** Maximum number of remembered accounts. Each costs a caller one password check, some 35 ms. */
const MAX_KEYS = 100_000;

export function memoryCounters(clock: Clock, max = MAX_KEYS): GuessCounters {
  const tries = growingCache<{ count: number; until: number }>(max);
  const slots = growingCache<number>(max);
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
    async takeSlot(key, ms) {
      const wait = (slots.get(key) ?? 0) - clock.now();
      if (wait > 0) return wait;
      slots.set(key, clock.now() + ms);
      return 0;
    },
  };
}

/** Shared by all nodes. While Redis is away, each node counts alone. */
export function redisCounters(url: string, namespace: string, clock: Clock, log: Log): GuessCounters {
  const redis = openRedis(url, {
    enableOfflineQueue: false,
    commandTimeout: ANSWERS_WITHIN_MS,
    maxRetriesPerRequest: 1,
    limitedLog: rateLimitedLog(log),
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
  const slots = new RateLimiterRedis({ ...options, keyPrefix: `${prefix}:turn`, points: 1, duration: 1 });
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
    takeSlot: (key, ms) =>
      orAlone(
        async () => {
          try {
            await slots.consume(key, 1, { customDuration: Math.ceil(ms / 1_000) });
            return 0;
          } catch (thrown) {
            if (thrown instanceof RateLimiterRes) return Math.max(1, thrown.msBeforeNext);
            throw thrown;
          }
        },
        () => own.takeSlot(key, ms),
      ),
  };
}

/** Connections to Redis: one way to open them, whoever uses it. */
import { Redis, type RedisOptions } from "ioredis";
import { redactedReason } from "../contract/redact.ts";
import type { RateLimitedLog } from "../resilience/rate-limited-log.ts";
import { refused } from "../resilience/refusals.ts";
import { redisRefusal } from "./refusals.ts";

/** Redis is not waited for: what needs it says so to its callers, and all else goes on. */
const CHECK_MS = 3_000;

export interface OpenRedisOptions extends RedisOptions {
  alarms: RateLimitedLog;
  /** What its being away means, for the log. */
  away: string;
}

/**
 * For connections that requests wait for: a Redis that keeps its connections and says nothing fails what is asked of it
 * after so long. Whether it was done, nobody knows.
 */
export const ANSWERS_WITHIN_MS = 1_500;

/** Connects in the background, and again whenever the connection is lost. */
export function openRedis(url: string, { alarms, away, ...options }: OpenRedisOptions): Redis {
  const redis = new Redis(url, options);
  redis.on("error", (error: Error) => {
    alarms.warn("redis", `${away}: ${redisRefusal(error, url) ?? redactedReason(error)}`);
  });
  leaveWrongDatabase(redis);
  leaveSilentConnection(redis);
  return redis;
}

/**
 * A command that had no answer in time has its connection made anew: until that is there, what comes next need not wait
 * for its own time-out where it can do without Redis.
 */
function leaveSilentConnection(redis: Redis): void {
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, stream) => {
    const connection = redis.stream;
    const sent = performance.now();
    const answer = send(command, stream);
    command.promise.catch((error: unknown) => {
      // One that is sent again after its time is not this connection's fault.
      const wasSilent = isTimeout(error) && performance.now() - sent > ANSWERS_WITHIN_MS / 2;
      if (wasSilent && redis.stream === connection) connection.destroy(new Error("it does not answer"));
    });
    return answer;
  };
}

const isTimeout = (error: unknown): boolean =>
  error instanceof Error && error.message === "Command timed out";

/** ioredis goes on in database 0 where the one that it should use does not exist. */
function leaveWrongDatabase(redis: Redis): void {
  redis.on("error", (error: Error & { command?: { name?: string } }) => {
    if (error.command?.name === "select") redis.disconnect();
  });
}

/**
 * Looks once whether Redis takes us as configured.
 * @returns why it is away, where it is
 * @throws {ConfigError} it refuses us, which won't get well by waiting
 */
export async function checkRedis(url: string, variable: string): Promise<string | undefined> {
  const redis = new Redis(url, {
    lazyConnect: true,
    retryStrategy: null,
    maxRetriesPerRequest: 0,
    connectTimeout: CHECK_MS,
    commandTimeout: CHECK_MS,
  });
  // The last word is "Connection is closed."; the first one says why.
  const errors: unknown[] = [];
  redis.on("error", (error) => errors.push(error));
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    errors.push(error);
  } finally {
    redis.disconnect();
  }
  for (const error of errors) {
    const reason = redisRefusal(error, url);
    if (reason !== undefined) throw refused(variable, reason);
  }
  return errors.length > 0 ? redactedReason(errors[0]) : undefined;
}

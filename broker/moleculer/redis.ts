/** Connections to Redis: one way to open them, for all users. */
import { createRequire } from "node:module";
import type { Redis, RedisOptions } from "ioredis";
import { redactedReason } from "../contract/secrets/redact.ts";
import type { RateLimitedLog } from "../resilience/rate-limited-log.ts";
import { refused } from "../resilience/refusals.ts";
import { sentinelOptions } from "./redis-address.ts";
import { redisRefusal } from "./refusals.ts";

/** Loaded when it is first used: a shop without Redis saves its 2 MB of memory. */
const driver = (): typeof import("ioredis") => createRequire(import.meta.url)("ioredis");

/** How long a start waits for Redis. What needs Redis reports its absence to callers. Everything else continues. */
const CHECK_MS = 3_000;

export interface OpenRedisOptions extends RedisOptions {
  limitedLog: RateLimitedLog;
  /** What its absence means, for the log. */
  away: string;
}

/**
 * For connections that requests wait for. If Redis is connected and silent, its commands fail after this time.
 * Whether they were done is unknown.
 */
export const ANSWERS_WITHIN_MS = 1_500;

/** Connects in the background, and reconnects whenever the connection is lost. */
export function openRedis(url: string, { limitedLog, away, ...options }: OpenRedisOptions): Redis {
  const redis = connectionTo(url, {
    ...options,
    // A master that has become a replica: the next connection is to the new master.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
  });
  redis.on("error", (error: Error) => {
    limitedLog.warn("redis", `${away}: ${redisRefusal(error, url) ?? redactedReason(error)}`);
  });
  leaveWrongDatabase(redis);
  leaveSilentConnection(redis);
  return redis;
}

function connectionTo(url: string, options: RedisOptions): Redis {
  const sentinels = sentinelOptions(url);
  const { Redis } = driver();
  return sentinels ? new Redis({ ...options, ...sentinels }) : new Redis(url, options);
}

/**
 * Replaces the connection when a command timed out. Until the new one is ready, later commands need not wait for
 * their own time-out where Redis is optional.
 */
function leaveSilentConnection(redis: Redis): void {
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, stream) => {
    const connection = redis.stream;
    const sent = performance.now();
    const answer = send(command, stream);
    command.promise.catch((error: unknown) => {
      // A command that was sent again after a reconnection is not this connection's fault.
      const wasSilent = isTimeout(error) && performance.now() - sent > ANSWERS_WITHIN_MS / 2;
      if (wasSilent && redis.stream === connection) connection.destroy(new Error("it does not answer"));
    });
    return answer;
  };
}

const isTimeout = (error: unknown): boolean =>
  error instanceof Error && error.message === "Command timed out";

/** ioredis continues in database 0 where the configured one does not exist. */
function leaveWrongDatabase(redis: Redis): void {
  redis.on("error", (error: Error & { command?: { name?: string } }) => {
    if (error.command?.name === "select") redis.disconnect();
  });
}

/**
 * Checks once whether Redis accepts our configuration.
 * @param look is given the reply of INFO, where Redis permits that
 * @returns the reason where it is away
 * @throws {ConfigError} it refuses us, which waiting can't fix
 */
export async function checkRedis(
  url: string,
  variable: string,
  look?: (info: string) => void,
): Promise<string | undefined> {
  const redis = connectionTo(url, {
    lazyConnect: true,
    retryStrategy: null,
    sentinelRetryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: CHECK_MS,
    commandTimeout: CHECK_MS,
  });
  // The last error is "Connection is closed.". The first one has the reason.
  const errors: unknown[] = [];
  let info: string | undefined;
  redis.on("error", (error) => errors.push(error));
  try {
    await redis.connect();
    await redis.ping();
    if (look) info = await redis.info().catch(() => undefined);
  } catch (error) {
    errors.push(error);
  } finally {
    redis.disconnect();
  }
  for (const error of errors) {
    const reason = redisRefusal(error, url);
    if (reason !== undefined) throw refused(variable, reason);
  }
  if (info !== undefined) look?.(info);
  return errors.length > 0 ? redactedReason(errors[0]) : undefined;
}

/**
 * Rate limits per signed-in user, else per network address. Redis shares them, where configured. The address is the
 * peer's own, or what TRUST_PROXY permits from X-Forwarded-For (client-address.ts).
 */
import { hash } from "node:crypto";
import type { Redis } from "ioredis";
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import { SoukError } from "../../contract/errors.ts";
import { addressKey } from "./address.ts";

const WINDOW = 60;

/** What a caller may know about one of its quotas. */
export interface Quota {
  policy: string;
  /** Requests per window. */
  limit: number;
  remaining: number;
  /** Seconds until the window ends. */
  reset: number;
}

export interface RateLimits {
  /** Anonymous requests, and checks of tokens that are not cached. */
  address(ip: string): Promise<Quota>;
  user(userId: string): Promise<Quota>;
  /** Reports of payment providers. They come in bursts, and a refused report delays a payment. */
  webhook(ip: string): Promise<Quota>;
  /** Sign-in and similar requests, before the body is read. */
  credentials(ip: string): Promise<Quota>;
  /** Sign-in and similar requests, per account: this limits guessing. */
  account(ip: string, account: string): Promise<Quota>;
}

/** Thrown when a quota is used up. Contains it for the headers. */
export class QuotaExceededError extends SoukError {
  readonly quota: Quota;

  constructor(quota: Quota) {
    super("RATE_LIMITED", `At most ${quota.limit} requests per minute; try again in ${quota.reset} s.`, {
      retryAfter: quota.reset,
    });
    this.quota = quota;
  }
}

type Limiter = RateLimiterMemory | RateLimiterRedis;

/**
 * @param perMinute requests per minute and caller
 * @param redis shares the counts between gateways; while it is away, each gateway counts alone
 * @param namespace separates shops that share one Redis
 */
export function createRateLimits(perMinute: number, redis?: Redis, namespace = ""): RateLimits {
  const limiter = (policy: string, points: number) => {
    const options = { keyPrefix: `souk-${namespace}:rate:${policy}`, points, duration: WINDOW };
    const memory = new RateLimiterMemory(options);
    const limit: Limiter = redis
      ? new RateLimiterRedis({
          ...options,
          storeClient: redis,
          insuranceLimiter: memory,
          rejectIfRedisNotReady: true,
        })
      : memory;
    return (key: string) => consume(limit, policy, points, key);
  };
  const address = limiter("address", perMinute);
  const user = limiter("user", perMinute);
  const webhook = limiter("webhook", perMinute * 20);
  const credentials = limiter("credentials", Math.max(5, Math.ceil(perMinute / 5)));
  const account = limiter("account", Math.max(5, Math.ceil(perMinute / 30)));
  return {
    address: (ip) => address(addressKey(ip)),
    user,
    webhook: (ip) => webhook(addressKey(ip)),
    credentials: (ip) => credentials(addressKey(ip)),
    account: (ip, name) =>
      account(hash("sha256", `${addressKey(ip)} ${name.trim().toLowerCase()}`, "base64url")),
  };
}

async function consume(limiter: Limiter, policy: string, limit: number, key: string): Promise<Quota> {
  try {
    return quota(policy, limit, await limiter.consume(key));
  } catch (thrown) {
    if (thrown instanceof RateLimiterRes) throw new QuotaExceededError(quota(policy, limit, thrown));
    throw thrown;
  }
}

const quota = (policy: string, limit: number, { remainingPoints, msBeforeNext }: RateLimiterRes): Quota => ({
  policy,
  limit,
  remaining: Math.max(0, remainingPoints),
  reset: Math.max(1, Math.ceil(msBeforeNext / 1_000)),
});

/** `RateLimit` and `RateLimit-Policy` of the IETF draft. */
export const quotaHeaders = ({ policy, limit, remaining, reset }: Quota): Record<string, string> => ({
  "RateLimit-Policy": `"${policy}";q=${limit};w=${WINDOW}`,
  RateLimit: `"${policy}";r=${remaining};t=${reset}`,
});

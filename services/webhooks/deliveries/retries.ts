/** When a delivery that failed is sent again. Pure. */

const FACTOR = 4;
const LONGEST_MS = 12 * 3_600_000;
/** Each pause is up to this part longer or shorter, so that deliveries do not come back together. */
const JITTER = 0.2;

export interface RetryQuestion {
  /** Attempts so far, at least 1. */
  readonly attempts: number;
  readonly now: number;
  readonly giveUpAt: number;
  readonly firstMs: number;
  /** `Retry-After` of the answer. */
  readonly retryAfter?: string | undefined;
  /** From 0 to 1. */
  readonly random: number;
}

/** The time of the next attempt, or undefined to give it up. The last attempt is made when the time ends. */
export function nextAttempt({
  attempts,
  now,
  giveUpAt,
  firstMs,
  retryAfter,
  random,
}: RetryQuestion): number | undefined {
  if (now >= giveUpAt) return undefined;
  const pause = Math.min(firstMs * FACTOR ** Math.min(attempts - 1, 30), LONGEST_MS);
  const jittered = pause * (1 - JITTER + 2 * JITTER * random);
  const asked = Math.min(secondsIn(retryAfter) * 1_000, LONGEST_MS);
  return Math.min(now + Math.round(Math.max(jittered, asked)), giveUpAt);
}

/** A date is no number of seconds, and is left out. */
const secondsIn = (header: string | undefined): number =>
  header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) : 0;

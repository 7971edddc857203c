/**
 * Log lines that may come by the thousand. The first is logged at once, then at most one per ten seconds and key,
 * with a count.
 */
import { type Clock, systemClock } from "./clock.ts";
import type { Log } from "./log.ts";
import { Quiet } from "./quiet.ts";

const QUIET_MS = 10_000;

type Fields = Record<string, unknown>;

export class RateLimitedLog {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #quiet = new Quiet(QUIET_MS);

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** @param key what is limited separately: one of a fixed, small set */
  warn(key: string, message: string, fields: Fields = {}): void {
    this.#say("warn", key, message, fields);
  }

  /** The same for failures that are not an outage. */
  error(key: string, message: string, fields: Fields = {}): void {
    this.#say("error", key, message, fields);
  }

  #say(level: "warn" | "error", key: string, message: string, fields: Fields): void {
    const suppressed = this.#quiet.pass(key, this.#clock.now());
    if (suppressed !== undefined)
      this.#log[level](message, suppressed > 0 ? { ...fields, suppressed } : fields);
  }
}

const shared = new WeakMap<Log, RateLimitedLog>();

/** The rate-limited log of a log. All users of that log share it. */
export function rateLimitedLog(log: Log): RateLimitedLog {
  let limitedLog = shared.get(log);
  if (!limitedLog) {
    limitedLog = new RateLimitedLog(log, systemClock);
    shared.set(log, limitedLog);
  }
  return limitedLog;
}

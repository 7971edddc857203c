/** Lines that may come by the thousand: logged at once, then at most every ten seconds per key, with a count. */
import { type Clock, systemClock } from "./clock.ts";
import type { Log } from "./log.ts";

const QUIET_MS = 10_000;
/** More keys than this are a fault of who makes them; the memory for them is bounded all the same. */
const MAX_KEYS = 500;

type Fields = Record<string, unknown>;

export class Alarms {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #last = new Map<string, { at: number; suppressed: number }>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** @param key what is told apart: one of a fixed, small set */
  warn(key: string, message: string, fields: Fields = {}): void {
    this.#say("warn", key, message, fields);
  }

  /** The same for what is nobody's outage. */
  error(key: string, message: string, fields: Fields = {}): void {
    this.#say("error", key, message, fields);
  }

  #say(level: "warn" | "error", key: string, message: string, fields: Fields): void {
    const now = this.#clock.now();
    const last = this.#last.get(key);
    if (last && now - last.at < QUIET_MS) {
      last.suppressed++;
      return;
    }
    this.#log[level](message, last?.suppressed ? { ...fields, suppressed: last.suppressed } : fields);
    if (this.#last.size >= MAX_KEYS) this.#last.clear();
    this.#last.set(key, { at: now, suppressed: 0 });
  }
}

const shared = new WeakMap<Log, Alarms>();

/** The alarms of a log: whoever writes to it by these shares them. */
export function alarmsOf(log: Log): Alarms {
  let alarms = shared.get(log);
  if (!alarms) {
    alarms = new Alarms(log, systemClock);
    shared.set(log, alarms);
  }
  return alarms;
}

/** Warnings that may come by the thousand: logged at once, then at most every ten seconds per key, with a count. */
import type { Clock } from "../clock.ts";
import type { Log } from "../runtime.ts";

const QUIET_MS = 10_000;

export class Alarms {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #last = new Map<string, { at: number; suppressed: number }>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** @param key what is told apart: one of a fixed, small set */
  warn(key: string, message: string, fields: Record<string, unknown> = {}): void {
    const now = this.#clock.now();
    const last = this.#last.get(key);
    if (last && now - last.at < QUIET_MS) {
      last.suppressed++;
      return;
    }
    this.#log.warn(message, last?.suppressed ? { ...fields, suppressed: last.suppressed } : fields);
    this.#last.set(key, { at: now, suppressed: 0 });
  }
}

/** More keys than this are a fault of who makes them; the memory for them is bounded all the same. */
const MAX_KEYS = 500;

/** Lets one of a kind pass in a while, and counts those that it leaves out. */
export class Quiet {
  readonly #quietMs: number;
  readonly #last = new Map<string, { at: number; suppressed: number }>();

  /** @param quietMs how long others of the same key are left out */
  constructor(quietMs: number) {
    this.#quietMs = quietMs;
  }

  /**
   * @param key what is told apart
   * @param now milliseconds of any clock, the same one each time
   * @returns how many were left out before this one; undefined where this one is to be left out
   */
  pass(key: string, now: number): number | undefined {
    const last = this.#last.get(key);
    if (last && now - last.at < this.#quietMs) {
      last.suppressed++;
      return undefined;
    }
    if (this.#last.size >= MAX_KEYS) this.#last.clear();
    this.#last.set(key, { at: now, suppressed: 0 });
    return last?.suppressed ?? 0;
  }
}

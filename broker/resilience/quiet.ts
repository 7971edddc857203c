/** More keys than this are a bug of the caller. The memory for them is bounded anyway. */
const MAX_KEYS = 500;

/** Lets one item per key pass in a time span, and counts the others. */
export class Quiet {
  readonly #quietMs: number;
  readonly #last = new Map<string, { at: number; suppressed: number }>();

  /** @param quietMs how long others with the same key are suppressed */
  constructor(quietMs: number) {
    this.#quietMs = quietMs;
  }

  /**
   * @param key what is limited separately
   * @param now milliseconds of any clock, always the same one
   * @returns how many were suppressed before this one; undefined where this one is suppressed
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

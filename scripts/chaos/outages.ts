/** When a server was away that was killed: it takes its own time to start, which the shop can only wait for. */
export class Outages {
  readonly #now: () => number;
  readonly #outages: { from: number; to: number }[] = [];

  /** @param now in milliseconds, of a clock that never goes back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** @returns what ends the outage */
  begin(): () => void {
    const outage = { from: this.#now(), to: Number.POSITIVE_INFINITY };
    this.#outages.push(outage);
    return () => {
      outage.to = this.#now();
    };
  }

  /** How much of that time it was away, in milliseconds. Outages do not overlap. */
  within(from: number, to: number): number {
    return this.#outages
      .map((it) => Math.min(it.to, to) - Math.max(it.from, from))
      .reduce((sum, ms) => sum + Math.max(0, ms), 0);
  }
}

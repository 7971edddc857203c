/** Where a simulated node of the shop can crash, and how often a run has reached each place. */

/** One place: what runs there, and which step it has reached. */
export interface Place {
  /** An actor type, `<service>.<worker>`, or `outbox of <source>`. */
  name: string;
  point: string;
}

export interface Crash extends Place {
  /** Crashes when this place is reached for the nth time, from 1. */
  nth: number;
}

const keyOf = ({ name, point }: Place): string => `${name} ${point}`;

export class Points {
  readonly counts = new Map<string, { place: Place; count: number }>();
  readonly #crash: Crash | undefined;
  crashed = false;
  /** Counting starts later: the set-up of a shop is not part of the test. */
  armed = false;

  constructor(crash?: Crash) {
    this.#crash = crash;
  }

  /** @returns whether the node crashes here and now */
  reached(place: Place): boolean {
    if (!this.armed) return false;
    const key = keyOf(place);
    const found = this.counts.get(key) ?? { place, count: 0 };
    found.count++;
    this.counts.set(key, found);
    const crash = this.#crash;
    if (this.crashed || !crash || keyOf(crash) !== key || found.count !== crash.nth) return false;
    this.crashed = true;
    return true;
  }

  /** Crash points of one name, and how often they were reached. */
  of(name: string): { point: string; count: number }[] {
    return [...this.counts.values()]
      .filter((it) => it.place.name === name)
      .map(({ place, count }) => ({ point: place.point, count }));
  }

  get names(): string[] {
    return [...new Set([...this.counts.values()].map((it) => it.place.name))];
  }
}

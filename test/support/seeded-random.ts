/** Random numbers that come the same way again for the same seed. */

export interface SeededRandom {
  /** In [0, 1). */
  next(): number;
  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number;
  chance(share: number): boolean;
  /** @throws RangeError where there is nothing to pick from */
  pick<T>(from: readonly T[]): T;
  /** A new array in another order. */
  shuffled<T>(items: readonly T[]): T[];
}

/** The same sequence for the same seed and parts, and independent ones for different parts. */
export function seededRandom(seed: number, ...parts: readonly (string | number)[]): SeededRandom {
  let state = seed >>> 0;
  for (const char of parts.join("\u0000")) state = Math.imul(state ^ char.charCodeAt(0), 0x01000193) >>> 0;

  // mulberry32
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    between,
    chance: (share) => next() < share,
    pick(from) {
      if (from.length === 0) throw new RangeError("there is nothing to pick from");
      return from[between(0, from.length - 1)] as (typeof from)[number];
    },
    shuffled(items) {
      const left = [...items];
      return items.map(() => left.splice(between(0, left.length - 1), 1)[0] as (typeof items)[number]);
    },
  };
}

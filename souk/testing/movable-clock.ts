import type { Clock } from "../../broker/resilience/clock.ts";

/** A clock that stands still until it is moved. */
export function movableClock(start = Date.now()): Clock & { advance(ms: number): void } {
  let now = start;
  return {
    now: () => now,
    advance(ms) {
      now += ms;
    },
  };
}

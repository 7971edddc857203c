/** Work that many ask for at the same time is done once. */
import { type Clock, systemClock } from "./clock.ts";

/** `work` that serves all who ask while it is under way. Whoever asks later starts it again. */
export function singleFlight<V>(work: () => Promise<V>): () => Promise<V> {
  let underWay: Promise<V> | undefined;
  return () => {
    underWay ??= work().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}

export interface SharedValue<V> {
  /** The value kept, else what is loaded. A failure goes to all who wait for it, and is not kept. */
  get(): Promise<V>;
  /** Drops the value kept, where it is one of `which`. */
  forget(which: (value: V) => boolean): void;
}

/**
 * One value that many need.
 * @param load gives the value
 * @param keepMs how long it is kept, counted from when its load began; for ever unless given
 */
export function sharedValue<V>(
  load: () => Promise<V>,
  { clock = systemClock, keepMs }: { clock?: Clock; keepMs?: (value: V) => number } = {},
): SharedValue<V> {
  let kept: { value: V; until: number } | undefined;
  const loaded = singleFlight(async () => {
    const began = clock.now();
    const value = await load();
    kept = { value, until: keepMs ? began + keepMs(value) : Number.POSITIVE_INFINITY };
    return value;
  });
  return {
    get: async () => (kept && clock.now() < kept.until ? kept.value : loaded()),
    forget(which) {
      if (kept && which(kept.value)) kept = undefined;
    },
  };
}

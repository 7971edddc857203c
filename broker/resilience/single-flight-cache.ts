/** A small cache for frequent reads. A hit is one look-up. Concurrent misses of one key share one load. */
import { growingCache } from "./growing-cache.ts";

export interface SingleFlightCache<V extends object> {
  /** The value kept, else what `load` gives; callers that ask while it loads share the same promise. */
  get(key: string, load: () => Promise<V>): V | Promise<V>;
  /** Forgets everything; what is being loaded now is not kept either, since it may have been read before. */
  clear(): void;
}

/**
 * @param ttl how long a value is kept, in milliseconds, counted from when its load began
 * @param max how many values are kept
 */
export function createSingleFlightCache<V extends object>(ttl: number, max: number): SingleFlightCache<V> {
  const kept = growingCache<V>(max, ttl);
  const loading = new Map<string, Promise<V>>();

  return {
    get(key, load) {
      const value = kept.get(key);
      if (value) return value;
      const pending = loading.get(key);
      if (pending) return pending;
      const start = performance.now();
      const loaded: Promise<V> = load()
        .then((result) => {
          if (loading.get(key) === loaded) kept.set(key, result, { start });
          return result;
        })
        .finally(() => {
          if (loading.get(key) === loaded) loading.delete(key);
        });
      loading.set(key, loaded);
      return loaded;
    },
    clear() {
      kept.clear();
      loading.clear();
    },
  };
}

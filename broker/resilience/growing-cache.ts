import { LRUCache } from "lru-cache";

/**
 * An LRU cache whose memory grows with its entries. Given a `max`, lru-cache allocates arrays of that length at once.
 * @param most entries that are kept
 * @param ttl milliseconds; without it, entries don't expire
 */
export const growingCache = <V extends object | number>(most: number, ttl?: number): LRUCache<string, V> =>
  new LRUCache<string, V>({
    maxSize: most,
    sizeCalculation: () => 1,
    ...(ttl === undefined ? {} : { ttl, ttlResolution: 1 }),
  });

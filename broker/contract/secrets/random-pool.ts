import { randomFillSync } from "node:crypto";

/** Random bytes are fetched in bulk. A system call for each id or trace would cost more than the rest of it. */
const pool = Buffer.alloc(8 * 1_024);
let used = pool.length;

/**
 * Cryptographically random bytes, each given out once.
 * @param size at most 8 KiB
 * @returns a view that is valid until the next call
 */
export function pooledRandom(size: number): Buffer {
  if (used + size > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += size;
  return pool.subarray(used - size, used);
}

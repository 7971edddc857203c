import { randomFillSync } from "node:crypto";
import { v5, v7 } from "uuid";

/** Random bytes are asked of the system in one piece for so many ids: asking for each costs more than the id. */
const pool = new Uint8Array(16 * 512);
let used = pool.length;

/** RFC 9562 method 1: a counter of 32 bits behind the time, begun anew each millisecond below 2^24. */
const MAX_SEQUENCE = 2 ** 32 - 1;
let lastMs = 0;
let sequence = 0;

/** A new id (UUIDv7); those of one process are in the order in which they were made. */
export function newId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += 16;
  const random = pool.subarray(used - 16, used);
  // A clock that was set back, or a full counter, borrows from the future.
  const now = Math.max(Date.now(), lastMs);
  if (now > lastMs || sequence === MAX_SEQUENCE) {
    lastMs = now > lastMs ? now : lastMs + 1;
    sequence = (random[6] ?? 0) * 2 ** 16 + (random[7] ?? 0) * 2 ** 8 + (random[8] ?? 0);
  } else sequence++;
  return v7({ random, msecs: lastMs, seq: sequence });
}

const NAMESPACE = "5b0e1d5a-6f0c-4f5e-9a59-0a7b8f1f2c11";

/** The same id for the same parts (UUIDv5): what a repeated run of a worker must produce again. */
export const derivedId = (...parts: readonly (string | number)[]): string =>
  v5(parts.join("\u0000"), NAMESPACE);

/**
 * The same UUIDv7 for the same `base` and parts: the time of `base` (a UUIDv7), the rest a hash. For things that
 * are made together with another, or once per something, and must get the same id when that is run again.
 */
export const derivedV7 = (base: string, ...parts: readonly (string | number)[]): string =>
  `${base.slice(0, 13)}-7${derivedId(base, ...parts).slice(15)}`;

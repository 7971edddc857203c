import { randomFillSync } from "node:crypto";
import { v5, v7 } from "uuid";

/** Random bytes are asked of the system in one piece for so many ids: asking for each costs more than the id. */
const pool = new Uint8Array(16 * 512);
let used = pool.length;

/** A new time-ordered id (UUIDv7); ids of one millisecond come in no order. */
export function newId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += 16;
  return v7({ random: pool.subarray(used - 16, used) });
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

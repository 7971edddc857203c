import { v5, v7 } from "uuid";
import { pooledRandom } from "./secrets/random-pool.ts";

/**
 * RFC 9562 method 1: a 32-bit counter after the time. Each millisecond it starts again at a random number below 2^24.
 */
const MAX_SEQUENCE = 2 ** 32 - 1;
let lastMs = 0;
let sequence = 0;

/** A new id (UUIDv7). The ids of one process sort in the order of their creation. */
export function newId(): string {
  const random = pooledRandom(16);
  // If the clock was set back or the counter is full, the id uses a later time.
  const now = Math.max(Date.now(), lastMs);
  if (now > lastMs || sequence === MAX_SEQUENCE) {
    lastMs = now > lastMs ? now : lastMs + 1;
    sequence = (random[6] ?? 0) * 2 ** 16 + (random[7] ?? 0) * 2 ** 8 + (random[8] ?? 0);
  } else sequence++;
  return v7({ random, msecs: lastMs, seq: sequence });
}

const NAMESPACE = "5b0e1d5a-6f0c-4f5e-9a59-0a7b8f1f2c11";

/** The same id for the same parts (UUIDv5). A repeated run of a worker must produce the same id. */
export const derivedId = (...parts: readonly (string | number)[]): string =>
  v5(parts.join("\u0000"), NAMESPACE);

/**
 * The same UUIDv7 for the same `base` and parts. It has the time of `base` (a UUIDv7); the rest is a hash. Use it for
 * something that is created together with another thing, or once per thing. A repeated run gets the same id.
 */
export const derivedV7 = (base: string, ...parts: readonly (string | number)[]): string =>
  `${base.slice(0, 13)}-7${derivedId(base, ...parts).slice(15)}`;

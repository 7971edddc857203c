/** The hash chain: one per day, and each begins with the end of the day before. */
import { hash } from "node:crypto";

export const HASH_BYTES = 32;

/** Before the first entry ever. */
export const NOTHING = Buffer.alloc(HASH_BYTES);

/** The hash of an entry: of the one before, and of its bytes. */
export const chained = (previous: Buffer, line: Buffer): Buffer =>
  hash("sha256", Buffer.concat([previous, line]), "buffer");

/** The hash before the first entry of a day. @param last of the last day that has entries */
export const startOf = (day: string, last: Buffer): Buffer =>
  hash("sha256", `souk audit ${day} ${last.toString("hex")}`, "buffer");

export const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** Keyset pages, newest first, and their cursors: the sort key of a page's last item, opaque to clients. */
import { trusted } from "mongoose";
import { SoukError } from "../../broker/contract/errors.ts";

const toCursor = (key: string): string => Buffer.from(key).toString("base64url");

/**
 * @param shape pattern of keys
 * @throws {SoukError} VALIDATION_FAILED for `cursor`
 */
export function fromCursor(cursor: string, shape: RegExp): string {
  const key = Buffer.from(cursor, "base64url").toString();
  if (shape.test(key)) return key;
  const message = "must be the nextCursor of a reply";
  throw new SoukError("VALIDATION_FAILED", `cursor: ${message}`, { errors: [{ field: "cursor", message }] });
}

export const UUID = /^[0-9a-f-]{36}$/;
export const TIME_AND_ID = /^[0-9TZ:.+-]{20,35} [0-9a-f-]{36}$/;

/** A filter for what follows a key of {@link TIME_AND_ID}, newest first. */
export function beforeTimeAndId(key: string) {
  const [at, id] = key.split(" ") as [string, string];
  return { $or: [{ at: trusted({ $lt: at }) }, { at, _id: trusted({ $lt: id }) }] };
}

/** @param found one more than `limit`, where there are more */
export function pageOf<T>(found: readonly T[], limit: number, keyOf: (it: T) => string) {
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  return { shown, nextCursor: found.length > limit && last !== undefined ? toCursor(keyOf(last)) : null };
}

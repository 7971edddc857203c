/**
 * Keyset pages and their cursors. A cursor is the sort key of a page's last item, opaque to clients. Keys are unique and
 * ordered, so new or removed items shift nothing. The digest ties a cursor to its list and detects damage. It is no
 * secret.
 */
import { createHash } from "node:crypto";
import { trusted } from "mongoose";
import { SoukError } from "../contract/errors.ts";

const DIGEST_LENGTH = 12;

/** Shapes of keys, for {@link readCursor}. */
export const UUID = /^[0-9a-f-]{36}$/;
export const TIME_AND_ID = /^[0-9TZ:.+-]{20,35} [0-9a-f-]{36}$/;

/**
 * @param key sort key of the page's last item
 * @param list identifies the list, with its filters and order where a cursor is no good for others
 */
export const makeCursor = (key: string, list: string): string =>
  Buffer.from(digest(key, list) + key).toString("base64url");

/**
 * The key given to {@link makeCursor}.
 * @param shape what keys look like, where a made-up one would not do
 * @throws {SoukError} VALIDATION_FAILED for `cursor`
 */
export function readCursor(cursor: string, list: string, shape?: RegExp): string {
  const bytes = Buffer.from(cursor, "base64url");
  const key = bytes.toString().slice(DIGEST_LENGTH);
  const ours = bytes.toString("base64url") === cursor && makeCursor(key, list) === cursor;
  if (ours && (shape?.test(key) ?? true)) return key;
  const message = "must be the nextCursor of a reply to the same query";
  throw new SoukError("VALIDATION_FAILED", `cursor: ${message}`, { errors: [{ field: "cursor", message }] });
}

const digest = (key: string, list: string): string =>
  createHash("sha256").update(`${list}\u0000${key}`).digest("base64url").slice(0, DIGEST_LENGTH);

/**
 * @param found one more than `limit`, where there are more
 * @param list as in {@link makeCursor}
 */
export function pageOf<T>(
  found: readonly T[],
  limit: number,
  list: string,
  keyOf: (it: T) => string,
): { shown: T[]; nextCursor: string | null } {
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  const more = found.length > limit && last !== undefined;
  return { shown, nextCursor: more ? makeCursor(keyOf(last), list) : null };
}

/** What several queries by `_id` have found, in one order. */
export const mergedById = <T extends { _id: string }>(
  pages: readonly (readonly T[])[],
  first: "newest" | "oldest",
): T[] => {
  const before = first === "newest" ? 1 : -1;
  return pages.flat().sort((a, b) => (a._id < b._id ? before : -before));
};

/** The documents after the cursor of a list by `_id`, newest first. */
export const beforeId = (cursor: string | undefined, list: string) =>
  cursor === undefined ? {} : { _id: trusted({ $lt: readCursor(cursor, list, UUID) }) };

/** The documents after the cursor of a list by `at` and `_id`, newest first. */
export function beforeTimeAndId(cursor: string | undefined, list: string) {
  if (cursor === undefined) return {};
  const [at, id] = readCursor(cursor, list, TIME_AND_ID).split(" ") as [string, string];
  return { $or: [{ at: trusted({ $lt: at }) }, { at, _id: trusted({ $lt: id }) }] };
}

/** Its key. */
export const timeAndId = ({ at, _id }: { at: string; _id: string }): string => `${at} ${_id}`;

/**
 * Cursors: the end of a page, as the sort key of its last item. Keys are unique and ordered, so new or removed items
 * shift nothing. The digest ties a cursor to its query and detects damage. It is no secret.
 */
import { createHash } from "node:crypto";
import { SoukError } from "../../broker/contract/errors.ts";

const DIGEST_LENGTH = 12;

/**
 * @param key sort key of the page's last item
 * @param query identifies the list: filters and order
 */
export function makeCursor(key: string, query: string): string {
  return Buffer.from(digest(key, query) + key).toString("base64url");
}

/** The key given to {@link makeCursor}. @throws {SoukError} VALIDATION_FAILED for `cursor` */
export function readCursor(cursor: string, query: string): string {
  const bytes = Buffer.from(cursor, "base64url");
  const text = bytes.toString();
  const key = text.slice(DIGEST_LENGTH);
  if (bytes.toString("base64url") !== cursor || makeCursor(key, query) !== cursor) {
    const message = "must be the nextCursor of a reply to the same query";
    throw new SoukError("VALIDATION_FAILED", `cursor: ${message}`, {
      errors: [{ field: "cursor", message }],
    });
  }
  return key;
}

const digest = (key: string, query: string): string =>
  createHash("sha256").update(`${query}\u0000${key}`).digest("base64url").slice(0, DIGEST_LENGTH);

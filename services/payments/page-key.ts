/** Cursors of keyset pages: the sort key of a page's last item, opaque to clients. */
import { SoukError } from "../../broker/errors.ts";

export const toCursor = (key: string): string => Buffer.from(key).toString("base64url");

/** @param shape what keys look like @throws {SoukError} VALIDATION_FAILED naming `cursor` */
export function fromCursor(cursor: string, shape: RegExp): string {
  const key = Buffer.from(cursor, "base64url").toString();
  if (shape.test(key)) return key;
  const message = "must be the nextCursor of a reply";
  throw new SoukError("VALIDATION_FAILED", `cursor: ${message}`, { errors: [{ field: "cursor", message }] });
}

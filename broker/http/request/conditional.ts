/** Entity tags, and whether a client already has the present version (RFC 9110, 13). */
import { hash } from "node:crypto";

/** The strong tag of a view that has a version. */
export const versionTag = (version: number): string => `"${version}"`;

/**
 * The strong tag of a view that has a version and shows more than what the version counts, as a product with its
 * available units. `If-Match` looks at the version alone.
 */
export const versionAndBodyTag = (version: number, body: string): string =>
  `"${version}.${hash("sha1", body, "base64url").slice(0, 22)}"`;

/** A weak tag of a body: equal bodies have equal tags. */
export const bodyTag = (body: string | Uint8Array): string =>
  `W/"${hash("sha1", body, "base64url").slice(0, 22)}"`;

/** Whether `If-None-Match` names `tag`. It uses weak comparison, as for reads. */
export function isNotModified(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === "*") return true;
  const opaque = tag.replace(/^W\//, "");
  return ifNoneMatch.split(",").some((it) => it.trim().replace(/^W\//, "") === opaque);
}

/** Entity tags, and whether a reader has the present version already (RFC 9110, 13). */
import { hash } from "node:crypto";

/** The strong tag of a view that carries its version. */
export const versionTag = (version: number): string => `"${version}"`;

/** A weak tag of a body: equal bodies have equal tags. */
export const bodyTag = (body: string | Uint8Array): string =>
  `W/"${hash("sha1", body, "base64url").slice(0, 22)}"`;

/** Whether `If-None-Match` names `tag`. Weak comparison, as reads use it. */
export function isNotModified(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === "*") return true;
  const opaque = tag.replace(/^W\//, "");
  return ifNoneMatch.split(",").some((it) => it.trim().replace(/^W\//, "") === opaque);
}

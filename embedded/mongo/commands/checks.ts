/** Options that the store does not have are refused, not ignored. */
import { fields, type Raw, stringValue, Type } from "../bson/raw.ts";
import { StoreError } from "../errors.ts";
import type { Request } from "./request.ts";

/** Only binary comparison: a collation other than `{locale: "simple"}` is refused. */
export function checkCollation(collation: Raw | undefined): void {
  if (collation === undefined || collation.isNullish()) return;
  if (collation.type !== Type.object) throw new StoreError(14, "collation must be an object");
  const options = new Map(fields(collation));
  if (options.size === 0) return;
  const locale = options.get("locale");
  if (locale?.type === Type.string && stringValue(locale) === "simple") return;
  throw new StoreError(238, "collations other than {locale: 'simple'} are not supported by this store");
}

/** Refuses what would need multi-document transactions or snapshots. */
export function checkSession(request: Request): void {
  if (request.has("startTransaction") || request.get("autocommit") !== undefined) {
    throw new StoreError(263, "Multi-document transactions are not supported by this store");
  }
  const concern = request.get("readConcern");
  if (concern?.type === Type.object) {
    const level = new Map(fields(concern)).get("level");
    if (level?.type === Type.string && stringValue(level) === "snapshot") {
      throw new StoreError(246, "Read concern 'snapshot' is not supported by this store");
    }
  }
}

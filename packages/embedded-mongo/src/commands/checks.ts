/** Refuses options that the store does not support, instead of ignoring them. */
import { fields, numberOf, type Raw, stringValue, Type, truthy } from "../bson/raw.ts";
import { failedToParse, StoreError } from "../errors.ts";
import { checkFields } from "./fields.ts";
import type { Request } from "./request.ts";

const collationFields = new Set(
  "locale caseLevel caseFirst strength numericOrdering alternate maxVariable normalization backwards version".split(
    " ",
  ),
);

/** Only binary comparison. A collation other than `{locale: "simple"}` is refused. */
export function checkCollation(collation: Raw | undefined): void {
  if (collation === undefined || collation.isNullish()) return;
  if (collation.type !== Type.object) throw new StoreError(14, "collation must be an object");
  const options = new Map(fields(collation));
  if (options.size === 0) return;
  checkFields(collation, "collation", collationFields);
  const locale = options.get("locale");
  if (locale === undefined)
    throw new StoreError(40414, "BSON field 'collation.locale' is missing but a required field");
  if (locale.type === Type.string && stringValue(locale) === "simple") {
    if (options.size === 1) return;
    throw failedToParse("If locale is 'simple', no other collation options should be specified");
  }
  throw new StoreError(238, "collations other than {locale: 'simple'} are not supported by this store");
}

/** Refuses what needs multi-document transactions or snapshots. */
export function checkSession(request: Request): void {
  if (request.has("startTransaction") || request.get("autocommit") !== undefined) {
    throw new StoreError(263, "Multi-document transactions are not supported by this store");
  }
  const concern = request.get("readConcern");
  if (concern?.type === Type.object) {
    const level = new Map(fields(concern)).get("level");
    if (new Map(fields(concern)).has("atClusterTime"))
      throw new StoreError(246, "Read concern 'snapshot' is not supported by this store");
    if (level?.type === Type.string && stringValue(level) === "snapshot") {
      throw new StoreError(246, "Read concern 'snapshot' is not supported by this store");
    }
  }
}

/** One node can't confirm a write on two. Refused before anything is written. */
export function checkWriteConcern(request: Request): void {
  const concern = request.get("writeConcern");
  const w = concern?.type === Type.object ? new Map(fields(concern)).get("w") : undefined;
  if (w === undefined || (w.isNumber() && numberOf(w) <= 1)) return;
  if (w.type === Type.string && stringValue(w) === "majority") return;
  throw new StoreError(100, "Not enough data-bearing nodes");
}

/** Options of `find` that would change its results and are not supported. */
export function checkFindOptions(request: Request): void {
  if (request.flag("awaitData") && !request.flag("tailable"))
    throw failedToParse("Cannot set 'awaitData' without also setting 'tailable'");
  for (const option of ["min", "max", "returnKey", "showRecordId"]) {
    const value = request.get(option);
    if (value === undefined || (value.type === Type.bool && !truthy(value))) continue;
    throw new StoreError(238, `'${option}' is not supported by this store`);
  }
}

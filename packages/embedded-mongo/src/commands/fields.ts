/** The fields of commands. Others are refused, because an option without an effect must not be accepted. */
import { fields, type Raw, stringValue, Type } from "../bson/raw.ts";
import { StoreError } from "../errors.ts";
import type { Request } from "./request.ts";

/** Arguments that any command may have. */
const generic = new Set([
  "$db",
  "$clusterTime",
  "$readPreference",
  "$audit",
  "$client",
  "$configServerState",
  "apiVersion",
  "apiStrict",
  "apiDeprecationErrors",
  "autocommit",
  "clusterTime",
  "comment",
  "lsid",
  "maxTimeMS",
  "operationTime",
  "readConcern",
  "startTransaction",
  "txnNumber",
  "txnRetryCounter",
  "writeConcern",
]);

/** The error for a field that is not declared. */
export function unknownField(where: string, name: string): StoreError {
  return new StoreError(40415, `BSON field '${where}.${name}' is an unknown field.`);
}

/** Refuses other fields of a nested document than these. */
export function checkFields(document: Raw | undefined, where: string, known: ReadonlySet<string>): void {
  if (document === undefined || document.type !== Type.object) return;
  const seen = new Set<string>();
  for (const [name] of fields(document)) {
    if (!known.has(name)) throw unknownField(where, name);
    if (seen.has(name)) throw new StoreError(40413, `BSON field '${where}.${name}' is a duplicate field`);
    seen.add(name);
  }
}

const readConcern = new Set(["level", "afterClusterTime", "atClusterTime", "provenance"]);
const writeConcern = new Set(["w", "j", "fsync", "wtimeout", "provenance"]);

/**
 * Refuses arguments that the command does not know.
 * @param known the command's own arguments; undefined where any are accepted
 */
export function checkArguments(request: Request, known: ReadonlySet<string> | undefined): void {
  const { name } = request;
  if (request.duplicate !== undefined)
    throw new StoreError(40413, `BSON field '${name}.${request.duplicate}' is a duplicate field`);
  if (known === undefined) return;
  for (const argument of request.names()) {
    if (argument !== name && !known.has(argument) && !generic.has(argument))
      throw unknownField(name, argument);
  }
  for (const argument of request.sequenceNames()) {
    if (!known.has(argument)) throw unknownField(name, argument);
    if (request.has(argument))
      throw new StoreError(40413, `BSON field '${name}.${argument}' is a duplicate field`);
  }
  checkFields(request.get("readConcern"), "readConcern", readConcern);
  checkFields(request.get("writeConcern"), "writeConcern", writeConcern);
}

/** The commands of API version 1, for `apiStrict`. */
const versionOne = new Set(
  (
    "abortTransaction aggregate collMod commitTransaction count create createIndexes delete drop dropDatabase " +
    "dropIndexes endSessions explain find findAndModify getMore hello insert killCursors listCollections " +
    "listDatabases listIndexes ping refreshSessions update"
  ).split(" "),
);

export function checkApiVersion(request: Request): void {
  const version = request.get("apiVersion");
  const strict = request.flag("apiStrict");
  if (version === undefined) {
    if (request.has("apiStrict") || request.has("apiDeprecationErrors"))
      throw new StoreError(322, "Provided apiStrict or apiDeprecationErrors without passing apiVersion");
    return;
  }
  if (version.type !== Type.string || stringValue(version) !== "1")
    throw new StoreError(322, 'API version must be "1"');
  if (strict && !versionOne.has(request.name))
    throw new StoreError(
      323,
      `Provided apiStrict:true, but the command ${request.name} is not in API Version 1`,
    );
}

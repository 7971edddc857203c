/** Errors with MongoDB's numbers. Clients decide by `code` and `codeName`, so both must be MongoDB's own. */
import type { Document } from "bson";

const codeNames: Record<number, string> = {
  1: "InternalError",
  2: "BadValue",
  6: "HostUnreachable",
  8: "UnknownError",
  9: "FailedToParse",
  11: "UserNotFound",
  13: "Unauthorized",
  14: "TypeMismatch",
  15: "Overflow",
  16: "InvalidLength",
  17: "ProtocolError",
  18: "AuthenticationFailed",
  20: "IllegalOperation",
  22: "InvalidBSON",
  26: "NamespaceNotFound",
  27: "IndexNotFound",
  28: "PathNotViable",
  40: "ConflictingUpdateOperators",
  43: "CursorNotFound",
  48: "NamespaceExists",
  50: "MaxTimeMSExpired",
  52: "DollarPrefixedFieldName",
  53: "InvalidIdField",
  54: "NotSingleValueField",
  56: "EmptyFieldName",
  59: "CommandNotFound",
  66: "ImmutableField",
  67: "CannotCreateIndex",
  68: "IndexAlreadyExists",
  72: "InvalidOptions",
  73: "InvalidNamespace",
  85: "IndexOptionsConflict",
  86: "IndexKeySpecsConflict",
  91: "ShutdownInProgress",
  100: "UnsatisfiableWriteConcern",
  115: "CommandNotSupported",
  136: "CappedPositionLost",
  143: "CursorInUse",
  168: "InvalidPipelineOperator",
  171: "CannotIndexParallelArrays",
  175: "QueryPlanKilled",
  197: "InvalidIndexSpecificationOption",
  206: "NoSuchSession",
  225: "TransactionTooOld",
  238: "NotImplemented",
  241: "ConversionFailure",
  246: "SnapshotUnavailable",
  251: "NoSuchTransaction",
  262: "ExceededTimeLimit",
  263: "OperationNotSupportedInTransaction",
  291: "NoQueryExecutionPlans",
  292: "QueryExceededMemoryLimitNoDiskUseAllowed",
  322: "APIVersionError",
  323: "APIStrictError",
  334: "MechanismUnavailable",
  352: "UnsupportedOpQueryCommand",
  5100: "FailedToParse",
  10334: "BSONObjectTooLarge",
  11000: "DuplicateKey",
  11600: "InterruptedAtShutdown",
  11601: "Interrupted",
  14031: "OutOfDiskSpace",
  17280: "KeyTooLong",
  40413: "IDLDuplicateField",
  40414: "IDLFailedToParse",
  40415: "IDLUnknownField",
};

/** MongoDB's symbolic name of a code. Codes without a name are `Location<code>`, as in mongod. */
export function codeName(code: number): string {
  return codeNames[code] ?? `Location${code}`;
}

/** A refusal. The client gets it as `{ok: 0, code, codeName, errmsg}` or as an entry of `writeErrors`. */
export class StoreError extends Error {
  readonly code: number;
  /** Further fields of the reply, such as `keyPattern` and `keyValue` of a duplicate key. */
  readonly extra: Document | undefined;

  constructor(code: number, message: string, extra?: Document) {
    super(message);
    this.name = "StoreError";
    this.code = code;
    this.extra = extra;
  }
}

export const badValue = (message: string): StoreError => new StoreError(2, message);
export const failedToParse = (message: string): StoreError => new StoreError(9, message);

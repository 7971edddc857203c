/** Checks bytes from a client, before code reads them without checks. */
import { StoreError } from "../errors.ts";
import { int32, Type } from "./raw.ts";

/** MongoDB's limit for nesting in a stored document. */
export const maxDepth = 100;

const bad = (what: string): StoreError => new StoreError(22, `Invalid BSON: ${what}`);

/**
 * Checks that a well-formed document lies at `start`. It must have exactly its stated length and end at or before
 * `limit`. Returns its end. Strings are not checked for UTF-8, as in mongod.
 * @throws InvalidBSON otherwise
 */
export function validateDocument(buf: Buffer, start: number, limit: number, depth = 0): number {
  if (depth > maxDepth * 2) throw new StoreError(15, `Object nests deeper than ${maxDepth * 2} levels`);
  if (limit - start < 5) throw bad("document is cut short");
  const length = int32(buf, start);
  if (length < 5 || length > limit - start) throw bad(`document length ${length} is out of bounds`);
  const end = start + length;
  const last = end - 1;
  if (buf[last] !== 0) throw bad("document has no end");
  let at = start + 4;
  while (at < last) {
    const type = buf[at] as number;
    if (type === 0) throw bad("document ends early");
    at = after0(buf, at + 1, last);
    at = validateValue(buf, type, at, last, depth);
  }
  return end;
}

function validateValue(buf: Buffer, type: number, at: number, last: number, depth: number): number {
  switch (type) {
    case Type.double:
    case Type.date:
    case Type.timestamp:
    case Type.long:
      return fixed(at, 8, last);
    case Type.int:
      return fixed(at, 4, last);
    case Type.objectId:
      return fixed(at, 12, last);
    case Type.decimal:
      return fixed(at, 16, last);
    case Type.bool:
      fixed(at, 1, last);
      if ((buf[at] as number) > 1) throw bad("a boolean is neither 0 nor 1");
      return at + 1;
    case Type.null:
    case Type.undefined:
    case Type.minKey:
    case Type.maxKey:
      return at;
    case Type.string:
    case Type.code:
    case Type.symbol:
      return string(buf, at, last);
    case Type.dbPointer:
      return fixed(string(buf, at, last), 12, last);
    case Type.binary: {
      fixed(at, 5, last);
      const length = int32(buf, at);
      if (length < 0) throw bad("binary length is negative");
      return fixed(at + 5, length, last);
    }
    case Type.regex:
      return after0(buf, after0(buf, at, last), last);
    case Type.object:
    case Type.array:
      return validateDocument(buf, at, last, depth + 1);
    case Type.codeWithScope: {
      fixed(at, 14, last);
      const end = fixed(at, int32(buf, at), last);
      const scope = string(buf, at + 4, end);
      if (validateDocument(buf, scope, end, depth + 1) !== end)
        throw bad("code with scope has a wrong length");
      return end;
    }
    default:
      throw bad(`unknown type ${type}`);
  }
}

function fixed(at: number, length: number, last: number): number {
  if (length < 0 || at + length > last) throw bad("a value is cut short");
  return at + length;
}

function string(buf: Buffer, at: number, last: number): number {
  fixed(at, 5, last);
  const length = int32(buf, at);
  if (length < 1) throw bad(`string length ${length} is out of bounds`);
  const end = fixed(at + 4, length, last);
  if (buf[end - 1] !== 0) throw bad("a string has no end");
  return end;
}

function after0(buf: Buffer, at: number, last: number): number {
  for (let i = at; i < last; i++) if (buf[i] === 0) return i + 1;
  throw bad("a name has no end");
}

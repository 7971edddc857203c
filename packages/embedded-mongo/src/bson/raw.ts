/**
 * BSON values in a buffer. The store never turns documents into JavaScript objects to match, update or index them. A
 * {@link Raw} refers to the bytes, so types, field order and precision are kept. `validateDocument` has checked every
 * buffer from a client before other code reads it.
 */
import { type Document, deserialize } from "bson";
import { StoreError } from "../errors.ts";

export const Type = {
  double: 1,
  string: 2,
  object: 3,
  array: 4,
  binary: 5,
  undefined: 6,
  objectId: 7,
  bool: 8,
  date: 9,
  null: 10,
  regex: 11,
  dbPointer: 12,
  code: 13,
  symbol: 14,
  codeWithScope: 15,
  int: 16,
  timestamp: 17,
  long: 18,
  decimal: 19,
  maxKey: 127,
  minKey: 255,
} as const;

/** One BSON value: its type and the position of its bytes. */
export class Raw {
  readonly type: number;
  readonly buf: Buffer;
  readonly start: number;
  readonly end: number;

  constructor(type: number, buf: Buffer, start: number, end: number) {
    this.type = type;
    this.buf = buf;
    this.start = start;
    this.end = end;
  }

  /** The bytes of the value, without type or name. Shares memory. */
  bytes(): Buffer {
    return this.buf.subarray(this.start, this.end);
  }

  isNumber(): boolean {
    return (
      this.type === Type.int ||
      this.type === Type.double ||
      this.type === Type.long ||
      this.type === Type.decimal
    );
  }

  isNullish(): boolean {
    return this.type === Type.null || this.type === Type.undefined;
  }
}

/** Byte length of a value of `type` that starts at `at`. The buffer must be validated. */
export function valueLength(buf: Buffer, type: number, at: number): number {
  switch (type) {
    case Type.double:
    case Type.date:
    case Type.timestamp:
    case Type.long:
      return 8;
    case Type.int:
      return 4;
    case Type.bool:
      return 1;
    case Type.objectId:
      return 12;
    case Type.decimal:
      return 16;
    case Type.string:
    case Type.code:
    case Type.symbol:
      return 4 + int32(buf, at);
    case Type.object:
    case Type.array:
    case Type.codeWithScope:
      return int32(buf, at);
    case Type.binary:
      return 5 + int32(buf, at);
    case Type.dbPointer:
      return 16 + int32(buf, at);
    case Type.regex: {
      const flags = buf.indexOf(0, at) + 1;
      return buf.indexOf(0, flags) + 1 - at;
    }
    default:
      return 0;
  }
}

export function int32(buf: Uint8Array, at: number): number {
  return (
    (buf[at] as number) |
    ((buf[at + 1] as number) << 8) |
    ((buf[at + 2] as number) << 16) |
    ((buf[at + 3] as number) << 24)
  );
}

/**
 * Iterates over the elements of one document or array without allocations. Read the fields after `next()` is true.
 */
export class Elements {
  readonly buf: Buffer;
  private at: number;
  type = 0;
  /** Start of the element (its type byte). */
  from = 0;
  nameStart = 0;
  nameEnd = 0;
  start = 0;
  end = 0;

  constructor(document: Raw) {
    // Bytes of another type, read as a document, would lead anywhere.
    if (document.type !== Type.object && document.type !== Type.array)
      throw new StoreError(14, `expected a document or an array, found ${typeName(document.type)}`);
    this.buf = document.buf;
    this.at = document.start + 4;
  }

  next(): boolean {
    const buf = this.buf;
    const type = buf[this.at] as number;
    if (type === 0) return false;
    this.type = type;
    this.from = this.at;
    let at = this.at + 1;
    this.nameStart = at;
    while (buf[at] !== 0) at++;
    this.nameEnd = at;
    this.start = at + 1;
    this.end = this.at = at + 1 + valueLength(buf, type, at + 1);
    return true;
  }

  name(): string {
    return text(this.buf, this.nameStart, this.nameEnd);
  }

  value(): Raw {
    return new Raw(this.type, this.buf, this.start, this.end);
  }

  nameIs(name: Uint8Array): boolean {
    const length = name.length;
    if (this.nameEnd - this.nameStart !== length) return false;
    for (let i = 0; i < length; i++) if (this.buf[this.nameStart + i] !== name[i]) return false;
    return true;
  }
}

/** UTF-8 text. Short ASCII, the usual case for names, needs no call into native code. */
export function text(buf: Buffer, start: number, end: number): string {
  if (end - start < 16) {
    let out = "";
    for (let i = start; i < end; i++) {
      const byte = buf[i] as number;
      if (byte > 127) return buf.toString("utf8", start, end);
      out += String.fromCharCode(byte);
    }
    return out;
  }
  return buf.toString("utf8", start, end);
}

/** A document as a value. */
export function rawDocument(buf: Buffer, start = 0): Raw {
  return new Raw(Type.object, buf, start, start + int32(buf, start));
}

/** The value of a field of a document, or of an index of an array. */
export function getField(document: Raw, name: Uint8Array): Raw | undefined {
  const elements = new Elements(document);
  while (elements.next()) if (elements.nameIs(name)) return elements.value();
  return undefined;
}

/** All values of an array (or of a document, in order). */
export function items(array: Raw): Raw[] {
  const out: Raw[] = [];
  const elements = new Elements(array);
  while (elements.next()) out.push(elements.value());
  return out;
}

/** All fields of a document, in order. */
export function fields(document: Raw): [string, Raw][] {
  const out: [string, Raw][] = [];
  const elements = new Elements(document);
  while (elements.next()) out.push([elements.name(), elements.value()]);
  return out;
}

export function isEmptyDocument(document: Raw): boolean {
  return document.end - document.start === 5;
}

/** Text of a string, code or symbol value. */
export function stringValue(value: Raw): string {
  if (value.type !== Type.string && value.type !== Type.symbol && value.type !== Type.code)
    throw new StoreError(14, `expected a string, found ${typeName(value.type)}`);
  return text(value.buf, value.start + 4, value.end - 1);
}

/** Pattern and flags of a regex value. */
export function regexParts(value: Raw): [string, string] {
  const split = value.buf.indexOf(0, value.start);
  return [
    value.buf.toString("utf8", value.start, split),
    value.buf.toString("latin1", split + 1, value.end - 1),
  ];
}

/** Milliseconds since 1970 of a date value. */
export function dateMs(value: Raw): number {
  return Number(value.buf.readBigInt64LE(value.start));
}

/** MongoDB's truth value: everything except false, zero, null and undefined. */
export function truthy(value: Raw | undefined): boolean {
  if (value === undefined || value.isNullish()) return false;
  if (value.type === Type.bool) return value.buf[value.start] === 1;
  if (value.isNumber()) return numberOf(value) !== 0;
  return true;
}

/** A number value as a double. 64-bit integers and decimals may lose precision. */
export function numberOf(value: Raw): number {
  switch (value.type) {
    case Type.int:
      return int32(value.buf, value.start);
    case Type.double:
      return value.buf.readDoubleLE(value.start);
    case Type.long:
      return Number(value.buf.readBigInt64LE(value.start));
    case Type.decimal:
      return Number((toJs(value) as { toString(): string }).toString());
    default:
      return Number.NaN;
  }
}

/** A document as a client would see it: numbers promoted, binary as `Binary`. */
export function decode(document: Raw): Document {
  return deserialize(document.bytes());
}

/** Any value as JavaScript, as a client would see it. */
export function toJs(value: Raw): unknown {
  switch (value.type) {
    case Type.int:
      return int32(value.buf, value.start);
    case Type.double:
      return value.buf.readDoubleLE(value.start);
    case Type.string:
      return stringValue(value);
    case Type.bool:
      return value.buf[value.start] === 1;
    case Type.date:
      return new Date(dateMs(value));
    case Type.null:
    case Type.undefined:
      return null;
    case Type.object:
      return decode(value);
    default:
      return decode(wrap(value)).v;
  }
}

/** A document `{v: value}` around a value. */
export function wrap(value: Raw): Raw {
  const length = value.end - value.start;
  const buf = Buffer.allocUnsafe(length + 8);
  buf.writeInt32LE(length + 8, 0);
  buf[4] = value.type;
  buf[5] = 0x76;
  buf[6] = 0;
  value.buf.copy(buf, 7, value.start, value.end);
  buf[length + 7] = 0;
  return rawDocument(buf);
}

export function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const typeNames: Record<number, string> = {
  1: "double",
  2: "string",
  3: "object",
  4: "array",
  5: "binData",
  6: "undefined",
  7: "objectId",
  8: "bool",
  9: "date",
  10: "null",
  11: "regex",
  12: "dbPointer",
  13: "javascript",
  14: "symbol",
  15: "javascriptWithScope",
  16: "int",
  17: "timestamp",
  18: "long",
  19: "decimal",
  127: "maxKey",
  255: "minKey",
};

/** MongoDB's name of a type, for `$type` and error messages. */
export function typeName(type: number): string {
  return typeNames[type] ?? "unknown";
}

/**
 * Encodes BSON values as bytes whose order under memcmp is MongoDB's comparison order. So a SQLite table can be an
 * index. No encoding is a prefix of another, so encodings can be joined into compound keys. Equal numbers of all
 * types encode alike (1, 1.0, NumberLong(1), Decimal128("1.00")).
 */
import { compareExact, type Exact, exactDouble, exactOf } from "./bson/decimal.ts";
import { Elements, int32, numberOf, Raw, regexParts, Type } from "./bson/raw.ts";

/** Leading byte of a type's encodings: MongoDB's canonical order, above zero. */
const order: Record<number, number> = {
  [Type.minKey]: 1,
  [Type.undefined]: 3,
  [Type.null]: 5,
  [Type.int]: 10,
  [Type.double]: 10,
  [Type.long]: 10,
  [Type.decimal]: 10,
  [Type.string]: 15,
  [Type.symbol]: 15,
  [Type.object]: 20,
  [Type.array]: 25,
  [Type.binary]: 30,
  [Type.objectId]: 35,
  [Type.bool]: 40,
  [Type.date]: 45,
  [Type.timestamp]: 47,
  [Type.regex]: 50,
  [Type.dbPointer]: 55,
  [Type.code]: 60,
  [Type.codeWithScope]: 65,
  [Type.maxKey]: 127,
};

/** Position of a type in MongoDB's order. Types with the same number are compared with each other. */
export function typeOrder(type: number): number {
  return order[type] ?? 0;
}

let out: Buffer = Buffer.allocUnsafe(4096);
let at = 0;

function need(more: number): void {
  if (at + more <= out.length) return;
  const grown = Buffer.allocUnsafe(Math.max(out.length * 2, at + more));
  out.copy(grown, 0, 0, at);
  out = grown;
}

/** The key of one value. */
export function encodeKey(value: Raw): Buffer {
  at = 0;
  write(value);
  return Buffer.from(out.subarray(0, at));
}

/** The key of several values. Where `descending`, the bytes of that value are inverted. */
export function encodeCompound(values: readonly Raw[], descending: readonly boolean[]): Buffer {
  at = 0;
  for (let i = 0; i < values.length; i++) {
    const from = at;
    write(values[i] as Raw);
    if (descending[i]) for (let k = from; k < at; k++) out[k] = ~(out[k] as number) & 0xff;
  }
  return Buffer.from(out.subarray(0, at));
}

/** The same key for the opposite direction. */
export function invert(key: Buffer): Buffer {
  const inverted = Buffer.allocUnsafe(key.length);
  for (let i = 0; i < key.length; i++) inverted[i] = ~(key[i] as number) & 0xff;
  return inverted;
}

/** The least key greater than every key with this prefix. Undefined if there is none. */
export function successor(prefix: Buffer): Buffer | undefined {
  for (let i = prefix.length - 1; i >= 0; i--) {
    if (prefix[i] === 255) continue;
    const next = Buffer.from(prefix.subarray(0, i + 1));
    next[i] = (prefix[i] as number) + 1;
    return next;
  }
  return undefined;
}

/** The key of all strings that begin with `prefix`, to be used as a key prefix. */
export function encodeStringPrefix(prefix: string): Buffer {
  at = 0;
  need(1);
  out[at++] = typeOrder(Type.string);
  const bytes = Buffer.from(prefix, "utf8");
  escaped(bytes, 0, bytes.length);
  return Buffer.from(out.subarray(0, at));
}

function write(value: Raw): void {
  need(1);
  out[at++] = typeOrder(value.type);
  payload(value);
}

function payload(value: Raw): void {
  const { buf, start, end } = value;
  switch (value.type) {
    case Type.int:
      double(int32(buf, start));
      return;
    case Type.double:
      double(buf.readDoubleLE(start));
      return;
    case Type.long:
    case Type.decimal:
      wide(value);
      return;
    case Type.string:
    case Type.symbol:
    case Type.code:
      escaped(buf, start + 4, end - 1);
      terminator();
      return;
    case Type.object:
      object(value);
      return;
    case Type.array:
      array(value);
      return;
    case Type.binary: {
      const length = int32(buf, start);
      need(length + 5);
      at = out.writeUInt32BE(length, at);
      at += buf.copy(out, at, start + 4, end);
      return;
    }
    case Type.objectId:
    case Type.bool:
      need(12);
      at += buf.copy(out, at, start, end);
      return;
    case Type.date:
      need(8);
      at = out.writeBigUInt64BE(BigInt.asUintN(64, buf.readBigInt64LE(start)) ^ 0x8000000000000000n, at);
      return;
    case Type.timestamp:
      need(8);
      at = out.writeBigUInt64BE(buf.readBigUInt64LE(start), at);
      return;
    case Type.regex:
      for (const part of regexParts(value)) {
        const bytes = Buffer.from(part, "utf8");
        escaped(bytes, 0, bytes.length);
        terminator();
      }
      return;
    case Type.dbPointer:
      escaped(buf, start + 4, end - 13);
      terminator();
      need(12);
      at += buf.copy(out, at, end - 12, end);
      return;
    case Type.codeWithScope: {
      const code = start + 4;
      const scope = code + 4 + int32(buf, code);
      escaped(buf, code + 4, scope - 1);
      terminator();
      object(new Raw(Type.object, buf, scope, end));
      return;
    }
    default:
      return;
  }
}

/** Zero bytes inside text become `00 FF`, so that `00 00` can end it. */
function escaped(buf: Buffer, start: number, end: number): void {
  need((end - start) * 2);
  for (let i = start; i < end; i++) {
    const byte = buf[i] as number;
    out[at++] = byte;
    if (byte === 0) out[at++] = 255;
  }
}

function terminator(): void {
  need(2);
  out[at++] = 0;
  out[at++] = 0;
}

function object(value: Raw): void {
  const elements = new Elements(value);
  while (elements.next()) {
    need(elements.nameEnd - elements.nameStart + 2);
    out[at++] = typeOrder(elements.type);
    at += value.buf.copy(out, at, elements.nameStart, elements.nameEnd + 1);
    payload(elements.value());
  }
  need(1);
  out[at++] = 0;
}

function array(value: Raw): void {
  const elements = new Elements(value);
  while (elements.next()) write(elements.value());
  need(1);
  out[at++] = 0;
}

const exactMark = 0;
const between = 1;

/** A double in order, followed by a mark that it is the exact value. */
function double(value: number): void {
  need(9);
  doubleBits(value);
  out[at++] = exactMark;
}

const scratch = new DataView(new ArrayBuffer(8));

function doubleBits(value: number): void {
  if (Number.isNaN(value)) {
    out.fill(0, at, at + 8);
    at += 8;
    return;
  }
  scratch.setFloat64(0, value === 0 ? 0 : value);
  const high = scratch.getUint32(0);
  const low = scratch.getUint32(4);
  const negative = high >>> 31 === 1;
  at = out.writeUInt32BE((negative ? ~high : high ^ 0x80000000) >>> 0, at);
  at = out.writeUInt32BE((negative ? ~low : low) >>> 0, at);
}

/**
 * Longs and decimals: the greatest double not above the value. If that is not the value itself, the value's decimal
 * exponent and digits follow. They order all values between two neighbouring doubles.
 */
function wide(value: Raw): void {
  if (value.type === Type.long) {
    const long = value.buf.readBigInt64LE(value.start);
    const near = Number(long);
    if (BigInt(near) === long) {
      double(near);
      return;
    }
  }
  const exact = exactOf(value);
  if (typeof exact === "string") {
    double(Number(exact));
    return;
  }
  const near = floorDouble(exact);
  const nearExact = exactDouble(near);
  if (typeof nearExact !== "string" && compareExact(nearExact, exact) === 0) {
    double(near);
    return;
  }
  need(32);
  doubleBits(near);
  out[at++] = between;
  fraction(exact);
}

/** The greatest finite double ≤ the value. */
function floorDouble(exact: Exact): number {
  let near = Number(`${exact.coefficient}E${exact.exponent}`);
  if (near === Number.POSITIVE_INFINITY) return Number.MAX_VALUE;
  if (near === Number.NEGATIVE_INFINITY) return near;
  const nearExact = exactDouble(near);
  if (typeof nearExact !== "string" && compareExact(nearExact, exact) > 0) near = previousDouble(near);
  return near;
}

function previousDouble(value: number): number {
  if (value === 0) return -Number.MIN_VALUE;
  scratch.setFloat64(0, value);
  const bits = scratch.getBigInt64(0);
  scratch.setBigInt64(0, value > 0 ? bits - 1n : bits + 1n);
  return scratch.getFloat64(0);
}

function fraction(exact: Exact): void {
  const negative = exact.coefficient < 0n;
  const digits = (negative ? -exact.coefficient : exact.coefficient).toString();
  const from = at;
  at = out.writeUInt16BE(exact.exponent + digits.length + 20000, at);
  const padded = digits.padEnd(36, "0");
  for (let i = 0; i < 36; i += 2) out[at++] = Number(padded.slice(i, i + 2));
  if (negative) for (let k = from; k < at; k++) out[k] = ~(out[k] as number) & 0xff;
}

/** True for a value that no index key bounds: NaN equals only itself. */
export function isNaNValue(value: Raw): boolean {
  return value.isNumber() && Number.isNaN(numberOf(value));
}

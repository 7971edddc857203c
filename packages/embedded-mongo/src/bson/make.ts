/** Makes raw values: constants, and values from JavaScript. */
import { type Document, serialize } from "bson";
import { Raw, rawDocument, Type, toBuffer } from "./raw.ts";

/** A JavaScript value as BSON, by the rules of the `bson` package (`undefined` becomes null). */
export function fromJs(value: unknown): Raw {
  const buf = toBuffer(serialize({ v: value === undefined ? null : value }));
  return new Raw(buf[4] as number, buf, 7, buf.length - 1);
}

/** A JavaScript object as a BSON document. */
export function encode(document: Document): Raw {
  return rawDocument(toBuffer(serialize(document)));
}

const nothing = Buffer.alloc(0);
export const nullRaw = new Raw(Type.null, nothing, 0, 0);
export const undefinedRaw = new Raw(Type.undefined, nothing, 0, 0);
const bools = Buffer.from([0, 1]);
const falseRaw = new Raw(Type.bool, bools, 0, 1);
const trueRaw = new Raw(Type.bool, bools, 1, 2);
export const emptyDocument = rawDocument(Buffer.from([5, 0, 0, 0, 0]));

export function intRaw(value: number): Raw {
  const buf = Buffer.allocUnsafe(4);
  buf.writeInt32LE(value, 0);
  return new Raw(Type.int, buf, 0, 4);
}

export function doubleRaw(value: number): Raw {
  const buf = Buffer.allocUnsafe(8);
  buf.writeDoubleLE(value, 0);
  return new Raw(Type.double, buf, 0, 8);
}

export function longRaw(value: bigint): Raw {
  const buf = Buffer.allocUnsafe(8);
  buf.writeBigInt64LE(value, 0);
  return new Raw(Type.long, buf, 0, 8);
}

export function stringRaw(value: string): Raw {
  const bytes = Buffer.from(value, "utf8");
  const buf = Buffer.allocUnsafe(bytes.length + 5);
  buf.writeInt32LE(bytes.length + 1, 0);
  bytes.copy(buf, 4);
  buf[bytes.length + 4] = 0;
  return new Raw(Type.string, buf, 0, buf.length);
}

export function boolRaw(value: boolean): Raw {
  return value ? trueRaw : falseRaw;
}

/** A date. Milliseconds that a double can't hold come as a bigint. */
export function dateRaw(ms: number | bigint): Raw {
  const buf = Buffer.allocUnsafe(8);
  buf.writeBigInt64LE(typeof ms === "bigint" ? ms : BigInt(Math.trunc(ms)), 0);
  return new Raw(Type.date, buf, 0, 8);
}

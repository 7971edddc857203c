/** Addition and multiplication that keep MongoDB's numeric types: int → long on overflow, double, decimal. */
import { badValue } from "../errors.ts";
import { decimalArithmetic } from "./decimal.ts";
import { doubleRaw, intRaw, longRaw } from "./make.ts";
import { int32, numberOf, type Raw, Type } from "./raw.ts";

const maxInt = 0x7fffffff;
const minInt = -0x80000000;
const maxLong = 2n ** 63n - 1n;
const minLong = -(2n ** 63n);

const bigOf = (value: Raw): bigint =>
  value.type === Type.int ? BigInt(int32(value.buf, value.start)) : value.buf.readBigInt64LE(value.start);

/** `a + b` or `a × b`. Undefined when a 64-bit integer would overflow. */
export function calculate(op: "add" | "multiply", a: Raw, b: Raw): Raw | undefined {
  if (a.type === Type.decimal || b.type === Type.decimal) return decimalArithmetic(op, a, b);
  if (a.type === Type.double || b.type === Type.double) {
    const x = numberOf(a);
    const y = numberOf(b);
    return doubleRaw(op === "add" ? x + y : x * y);
  }
  if (a.type === Type.int && b.type === Type.int) {
    const x = int32(a.buf, a.start);
    const y = int32(b.buf, b.start);
    const out = op === "add" ? x + y : x * y;
    if (out <= maxInt && out >= minInt) return intRaw(out === 0 ? 0 : out);
    return longRaw(op === "add" ? BigInt(x) + BigInt(y) : BigInt(x) * BigInt(y));
  }
  const out = op === "add" ? bigOf(a) + bigOf(b) : bigOf(a) * bigOf(b);
  return out > maxLong || out < minLong ? undefined : longRaw(out);
}

/** A whole number (`limit`, `skip`, `batchSize`, …) from any numeric type. Refuses fractions and other types. */
export function wholeNumber(value: Raw, what: string): number {
  const number = value.isNumber() ? numberOf(value) : Number.NaN;
  if (!Number.isFinite(number)) throw badValue(`${what} must be a number`);
  return Math.trunc(number);
}

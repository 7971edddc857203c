/** Exact arithmetic for Decimal128: a decimal is `coefficient × 10^exponent` with a BigInt coefficient. */
import { Decimal128 } from "bson";
import { int32, numberOf, Raw, Type } from "./raw.ts";

export interface Exact {
  readonly coefficient: bigint;
  readonly exponent: number;
}

/** Values of a decimal that are no finite numbers. */
export type Special = "NaN" | "Infinity" | "-Infinity";

function decimalOf(value: Raw): Decimal128 {
  return new Decimal128(Buffer.from(value.bytes()));
}

/** Coefficient and exponent of any finite numeric value. A double has its exact binary value. */
export function exactOf(value: Raw): Exact | Special {
  if (value.type === Type.int) return { coefficient: BigInt(int32(value.buf, value.start)), exponent: 0 };
  if (value.type === Type.long) return { coefficient: value.buf.readBigInt64LE(value.start), exponent: 0 };
  if (value.type === Type.double) return exactDouble(numberOf(value));
  return parseExact(decimalOf(value).toString());
}

/** The text of a decimal as coefficient and exponent. */
export function parseExact(text: string): Exact | Special {
  if (/nan/i.test(text)) return "NaN";
  if (/inf/i.test(text)) return text.startsWith("-") ? "-Infinity" : "Infinity";
  const [mantissa = "0", exponent = "0"] = text.toLowerCase().split("e");
  const [whole = "0", fraction = ""] = mantissa.split(".");
  return { coefficient: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
}

/** A double as an exact decimal: every finite double is `m × 2^e`, and `2^-n = 5^n × 10^-n`. */
export function exactDouble(value: number): Exact | Special {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  if (Number.isInteger(value)) return { coefficient: BigInt(value), exponent: 0 };
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  const mantissa = biased === 0 ? fraction : fraction | 0x10000000000000n;
  const shift = (biased === 0 ? 1 : biased) - 1075;
  const signed = value < 0 ? -mantissa : mantissa;
  return { coefficient: signed * 5n ** BigInt(-shift), exponent: shift };
}

/** Sign of `a - b`. */
export function compareExact(a: Exact, b: Exact): number {
  const low = Math.min(a.exponent, b.exponent);
  const left = a.coefficient * 10n ** BigInt(a.exponent - low);
  const right = b.coefficient * 10n ** BigInt(b.exponent - low);
  return left < right ? -1 : left > right ? 1 : 0;
}

const digits = 34;

/** Rounds half to even to the 34 digits of Decimal128. */
export function toDecimal(value: Exact | Special): Raw {
  return decimalRaw(typeof value === "string" ? Decimal128.fromString(value) : roundedDecimal(value));
}

function roundedDecimal({ coefficient, exponent }: Exact): Decimal128 {
  const negative = coefficient < 0n;
  let size = negative ? -coefficient : coefficient;
  let power = exponent;
  const excess = size.toString().length - digits;
  if (excess > 0) {
    const unit = 10n ** BigInt(excess);
    const rest = size % unit;
    size /= unit;
    if (rest * 2n > unit || (rest * 2n === unit && size % 2n === 1n)) size += 1n;
    power += excess;
  }
  return Decimal128.fromString(`${negative ? "-" : ""}${size}E${power}`);
}

function decimalRaw(value: Decimal128): Raw {
  return new Raw(Type.decimal, Buffer.from(value.bytes), 0, 16);
}

/** Sum or product of two numbers of which one is a decimal. */
export function decimalArithmetic(op: "add" | "multiply", a: Raw, b: Raw): Raw {
  const left = exactOf(widened(a));
  const right = exactOf(widened(b));
  if (typeof left === "string" || typeof right === "string") {
    const x = typeof left === "string" ? Number(left) : Number(left.coefficient);
    const y = typeof right === "string" ? Number(right) : Number(right.coefficient);
    const out = op === "add" ? x + y : x * y;
    return toDecimal(Number.isNaN(out) ? "NaN" : out > 0 ? "Infinity" : "-Infinity");
  }
  if (op === "multiply") {
    return toDecimal({
      coefficient: left.coefficient * right.coefficient,
      exponent: left.exponent + right.exponent,
    });
  }
  const low = Math.min(left.exponent, right.exponent);
  const sum =
    left.coefficient * 10n ** BigInt(left.exponent - low) +
    right.coefficient * 10n ** BigInt(right.exponent - low);
  return toDecimal({ coefficient: sum, exponent: low });
}

/** MongoDB converts a double into a decimal of 15 significant digits before it calculates with it. */
export function widened(value: Raw): Raw {
  if (value.type !== Type.double) return value;
  const number = numberOf(value);
  return toDecimal(Number.isFinite(number) ? parseExact(number.toPrecision(15)) : parseExact(String(number)));
}

export const isSpecial = (value: Exact | Special): value is Special => typeof value === "string";

/** `a / b` to 34 digits. `b` must not be zero. */
export function divideDecimal(a: Raw, b: Raw): Raw {
  const left = exactOf(widened(a));
  const right = exactOf(widened(b));
  if (isSpecial(left) || isSpecial(right)) {
    const out =
      Number(isSpecial(left) ? left : left.coefficient) /
      Number(isSpecial(right) ? right : right.coefficient);
    return toDecimal(parseExact(String(out)));
  }
  // Forty digits more than the divisor has, and a last digit that shows a remainder: enough to round correctly.
  const shift = Math.max(0, right.coefficient.toString().length + 40 - left.coefficient.toString().length);
  const scaled = left.coefficient * 10n ** BigInt(shift);
  const quotient = scaled / right.coefficient;
  const rest = scaled % right.coefficient;
  const exponent = left.exponent - right.exponent - shift;
  if (rest === 0n) return toDecimal(shortened(quotient, exponent, left.exponent - right.exponent));
  const sign = left.coefficient < 0n === right.coefficient < 0n ? 1n : -1n;
  return toDecimal({ coefficient: quotient * 10n + sign, exponent: exponent - 1 });
}

/** Removes the zeros of scaling, down to the exponent of an exact quotient. */
function shortened(coefficient: bigint, exponent: number, wanted: number): Exact {
  let [size, power] = [coefficient, exponent];
  while (power < wanted && size % 10n === 0n) {
    size /= 10n;
    power++;
  }
  return { coefficient: size, exponent: power };
}

/** The remainder of `a` divided by `b`, with the sign of `a`. `b` must not be zero. */
export function remainderDecimal(a: Raw, b: Raw): Raw {
  const left = exactOf(widened(a));
  const right = exactOf(widened(b));
  if (isSpecial(left)) return toDecimal("NaN");
  if (isSpecial(right)) return toDecimal(right === "NaN" ? "NaN" : left);
  const low = Math.min(left.exponent, right.exponent);
  if (Math.max(left.exponent, right.exponent) - low > 6500) return toDecimal("NaN");
  const rest =
    (left.coefficient * 10n ** BigInt(left.exponent - low)) %
    (right.coefficient * 10n ** BigInt(right.exponent - low));
  return toDecimal({ coefficient: rest, exponent: low });
}

/** Rounds to so many places after the point, or before it where negative. */
export function roundDecimal(value: Raw, place: number, mode: "even" | "trunc" | "floor" | "ceil"): Raw {
  const exact = exactOf(value);
  if (isSpecial(exact)) return toDecimal(exact);
  const drop = -place - exact.exponent;
  if (drop <= 0) return toDecimal(exact);
  const unit = 10n ** BigInt(drop);
  let whole = exact.coefficient / unit;
  const rest = exact.coefficient % unit;
  const size = rest < 0n ? -rest : rest;
  if (mode === "floor" && rest < 0n) whole -= 1n;
  else if (mode === "ceil" && rest > 0n) whole += 1n;
  else if (mode === "even" && (size * 2n > unit || (size * 2n === unit && whole % 2n !== 0n)))
    whole += exact.coefficient < 0n ? -1n : 1n;
  return toDecimal({ coefficient: whole, exponent: -place });
}

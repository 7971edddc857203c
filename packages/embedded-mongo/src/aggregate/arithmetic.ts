/** Arithmetic that keeps MongoDB's numeric types: int, long where an int would overflow, double, decimal. */
import { calculate } from "../bson/arithmetic.ts";
import {
  divideDecimal,
  exactOf,
  isSpecial,
  remainderDecimal,
  roundDecimal,
  toDecimal,
} from "../bson/decimal.ts";
import { dateRaw, doubleRaw, intRaw, longRaw, nullRaw } from "../bson/make.ts";
import { dateMs, numberOf, type Raw, Type, typeName } from "../bson/raw.ts";
import { StoreError } from "../errors.ts";
import { define, type Expression, exactly, operands, type Scope } from "./expression.ts";

const maxLong = 2n ** 63n - 1n;
const minLong = -(2n ** 63n);

export const present = (value: Raw | undefined): value is Raw => value !== undefined && !value.isNullish();
export const isInteger = (value: Raw): boolean => value.type === Type.int || value.type === Type.long;
export const bigOf = (value: Raw): bigint =>
  value.type === Type.long
    ? value.buf.readBigInt64LE(value.start)
    : BigInt(value.buf.readInt32LE(value.start));

/** An int where the value fits and `long` does not demand more, a long where it fits, else undefined. */
function integerRaw(value: bigint, long: boolean): Raw | undefined {
  if (!long && value <= 0x7fffffffn && value >= -0x80000000n) return intRaw(Number(value));
  return value <= maxLong && value >= minLong ? longRaw(value) : undefined;
}

/** `$add` and `$multiply`. A 64-bit overflow continues as a double. */
export function arithmetic(op: "add" | "multiply", a: Raw, b: Raw): Raw {
  const exact = calculate(op, a, b);
  if (exact !== undefined) return exact;
  return doubleRaw(op === "add" ? numberOf(a) + numberOf(b) : numberOf(a) * numberOf(b));
}

function wantNumber(name: string, value: Raw): Raw {
  if (value.isNumber()) return value;
  throw new StoreError(
    14,
    `${name} only supports numeric${name === "$add" ? " or date" : ""} types, not ${typeName(value.type)}`,
  );
}

/** Functions that need more than exact decimal arithmetic refuse decimals instead of rounding them. */
function refuseDecimal(name: string, ...values: Raw[]): void {
  if (values.some((value) => value.type === Type.decimal))
    throw new StoreError(238, `${name} of Decimal128 is not supported by this store`);
}

const one = intRaw(1);
const zero = intRaw(0);
const minusOne = intRaw(-1);

/** An operator of one number. */
function unary(name: string, work: (value: Raw) => Raw): void {
  define({
    [name]: (operand, names) => {
      const [part] = exactly(name, 1, operand, names) as [Expression];
      return (scope) => {
        const value = part(scope);
        return present(value) ? work(wantNumber(name, value)) : nullRaw;
      };
    },
  });
}

/** An operator of two numbers. Null where one of them is null. */
function binary(name: string, work: (a: Raw, b: Raw) => Raw): void {
  define({
    [name]: (operand, names) => {
      const [left, right] = exactly(name, 2, operand, names) as [Expression, Expression];
      return (scope) => {
        const a = left(scope);
        const b = right(scope);
        return present(a) && present(b) ? work(a, b) : nullRaw;
      };
    },
  });
}

define({
  $add: (operand, names) => {
    const parts = operands(operand, names);
    return (scope) => {
      let sum: Raw = zero;
      let date = false;
      for (const part of parts) {
        const value = part(scope);
        if (!present(value)) return nullRaw;
        if (value.type === Type.date) {
          if (date) throw new StoreError(16612, "only one date allowed in an $add expression");
          date = true;
          sum = arithmetic("add", sum, longRaw(BigInt(dateMs(value))));
        } else sum = arithmetic("add", sum, wantNumber("$add", value));
      }
      return date ? toDateRaw(sum) : sum;
    };
  },
  $multiply: (operand, names) => {
    const parts = operands(operand, names);
    return (scope) => {
      let product: Raw = one;
      for (const part of parts) {
        const value = part(scope);
        if (!present(value)) return nullRaw;
        product = arithmetic("multiply", product, wantNumber("$multiply", value));
      }
      return product;
    };
  },
});

function toDateRaw(ms: Raw): Raw {
  const number = numberOf(ms);
  if (!Number.isFinite(number) || Math.abs(number) >= 2 ** 63)
    throw new StoreError(15, "date overflow in $add");
  return dateRaw(number);
}

binary("$subtract", (a, b) => {
  if (a.type === Type.date) {
    if (b.type === Type.date) return longRaw(BigInt(dateMs(a)) - BigInt(dateMs(b)));
    if (b.isNumber()) return toDateRaw(arithmetic("add", longRaw(BigInt(dateMs(a))), negated(b)));
  }
  if (!a.isNumber() || !b.isNumber())
    throw new StoreError(14, `can't $subtract ${typeName(b.type)} from ${typeName(a.type)}`);
  if (isInteger(a) && isInteger(b)) {
    const long = a.type === Type.long || b.type === Type.long;
    return integerRaw(bigOf(a) - bigOf(b), long) ?? doubleRaw(numberOf(a) - numberOf(b));
  }
  if (a.type !== Type.decimal && b.type !== Type.decimal) return doubleRaw(numberOf(a) - numberOf(b));
  return arithmetic("add", a, negated(b));
});

const negated = (value: Raw): Raw => arithmetic("multiply", minusOne, value);

binary("$divide", (a, b) => {
  if (!a.isNumber() || !b.isNumber())
    throw new StoreError(
      14,
      `$divide only supports numeric types, not ${typeName(a.type)} and ${typeName(b.type)}`,
    );
  if (numberOf(b) === 0) throw new StoreError(2, "can't $divide by zero");
  if (a.type === Type.decimal || b.type === Type.decimal) return divideDecimal(a, b);
  return doubleRaw(numberOf(a) / numberOf(b));
});

binary("$mod", (a, b) => {
  if (!a.isNumber() || !b.isNumber())
    throw new StoreError(
      16611,
      `$mod only supports numeric types, not ${typeName(a.type)} and ${typeName(b.type)}`,
    );
  if (numberOf(b) === 0) throw new StoreError(16610, "can't $mod by zero");
  if (a.type === Type.decimal || b.type === Type.decimal) return remainderDecimal(a, b);
  if (!isInteger(a) || !isInteger(b)) return doubleRaw(numberOf(a) % numberOf(b));
  const long = a.type === Type.long || b.type === Type.long;
  return integerRaw(bigOf(a) % bigOf(b), long) as Raw;
});

unary("$abs", (value) => {
  if (value.type === Type.double) return doubleRaw(Math.abs(numberOf(value)));
  if (numberOf(value) >= 0 || Number.isNaN(numberOf(value))) return value;
  if (value.type === Type.long && bigOf(value) === minLong)
    throw new StoreError(28680, "can't take $abs of long long min");
  return negated(value);
});

function wholes(name: string, mode: "floor" | "ceil"): void {
  unary(name, (value) => {
    if (value.type === Type.double) return doubleRaw(Math[mode](numberOf(value)));
    return value.type === Type.decimal ? roundDecimal(value, 0, mode) : value;
  });
}
wholes("$ceil", "ceil");
wholes("$floor", "floor");

function places(name: string, mode: "even" | "trunc"): void {
  define({
    [name]: (operand, names) => {
      const parts = operands(operand, names);
      if (parts.length < 1 || parts.length > 2)
        throw new StoreError(
          28667,
          `Expression ${name} takes at least 1 arguments, and at most 2, but ${parts.length} were passed in.`,
        );
      return (scope) => {
        const value = parts[0]?.(scope);
        const place = parts[1] ? parts[1](scope) : zero;
        if (!present(value) || !present(place)) return nullRaw;
        if (!value.isNumber())
          throw new StoreError(51081, `${name} only supports numeric types, not ${typeName(value.type)}`);
        return rounded(name, value, placeOf(name, place), mode);
      };
    },
  });
}

function placeOf(name: string, place: Raw): number {
  const number = place.isNumber() ? numberOf(place) : Number.NaN;
  if (!Number.isInteger(number))
    throw new StoreError(51082, `precision argument to ${name} must be an integral value`);
  if (number < -20 || number > 100)
    throw new StoreError(
      51083,
      `cannot apply ${name} with precision value ${number} value must be in [-20, 100]`,
    );
  return number;
}

function rounded(name: string, value: Raw, place: number, mode: "even" | "trunc"): Raw {
  if (isInteger(value)) {
    if (place >= 0) return value;
    const exact = exactOf(roundDecimal(value, place, mode));
    if (isSpecial(exact)) return value;
    const whole = exact.coefficient * 10n ** BigInt(Math.max(0, exact.exponent));
    const out = integerRaw(whole, value.type === Type.long);
    if (out === undefined)
      throw new StoreError(51080, `invalid conversion from Decimal128 result in ${name}`);
    return out;
  }
  const out = roundDecimal(value, place, mode);
  return value.type === Type.decimal ? out : doubleRaw(signed(numberOf(out), numberOf(value)));
}

const signed = (out: number, like: number): number =>
  out === 0 && (like < 0 || Object.is(like, -0)) ? -0 : out;

places("$round", "even");
places("$trunc", "trunc");

/** A function over doubles. `refuse` throws for values outside its domain. */
function real(
  name: string,
  work: (x: number) => number,
  refuse: (x: number) => void = () => undefined,
): void {
  unary(name, (value) => {
    refuseDecimal(name, value);
    const x = numberOf(value);
    if (!Number.isNaN(x)) refuse(x);
    return doubleRaw(work(x));
  });
}

const within = (name: string, low: number, high: number) => (x: number) => {
  if (x < low || x > high)
    throw new StoreError(50989, `cannot apply ${name} to ${x}, value must be in [${low},${high}]`);
};
const finite = (name: string) => (x: number) => {
  if (!Number.isFinite(x))
    throw new StoreError(50989, `cannot apply ${name} to ${x}, value must be in (-inf,inf)`);
};
const infinity = Number.POSITIVE_INFINITY;

real("$exp", Math.exp);
real("$sqrt", Math.sqrt, (x) => {
  if (x < 0) throw new StoreError(28714, "$sqrt's argument must be greater than or equal to 0");
});
real("$ln", Math.log, (x) => {
  if (x <= 0) throw new StoreError(28766, `$ln's argument must be a positive number, but is ${x}`);
});
real("$log10", Math.log10, (x) => {
  if (x <= 0) throw new StoreError(28761, `$log10's argument must be a positive number, but is ${x}`);
});
real("$sin", Math.sin, finite("$sin"));
real("$cos", Math.cos, finite("$cos"));
real("$tan", Math.tan, finite("$tan"));
real("$asin", Math.asin, within("$asin", -1, 1));
real("$acos", Math.acos, within("$acos", -1, 1));
real("$atan", Math.atan);
real("$sinh", Math.sinh);
real("$cosh", Math.cosh);
real("$tanh", Math.tanh);
real("$asinh", Math.asinh);
real("$acosh", Math.acosh, within("$acosh", 1, infinity));
real("$atanh", Math.atanh, within("$atanh", -1, 1));
real("$degreesToRadians", (x) => (x * Math.PI) / 180);
real("$radiansToDegrees", (x) => (x * 180) / Math.PI);

binary("$atan2", (a, b) => {
  refuseDecimal("$atan2", a, b);
  return doubleRaw(Math.atan2(numberOf(wantNumber("$atan2", a)), numberOf(wantNumber("$atan2", b))));
});

binary("$log", (a, b) => {
  if (!a.isNumber()) throw new StoreError(28756, `$log's argument must be numeric, not ${typeName(a.type)}`);
  if (!b.isNumber()) throw new StoreError(28757, `$log's base must be numeric, not ${typeName(b.type)}`);
  refuseDecimal("$log", a, b);
  const [x, base] = [numberOf(a), numberOf(b)];
  if (x <= 0) throw new StoreError(28758, `$log's argument must be a positive number, but is ${x}`);
  if (base <= 0 || base === 1)
    throw new StoreError(28759, `$log's base must be a positive number not equal to 1, but is ${base}`);
  return doubleRaw(Math.log(x) / Math.log(base));
});

binary("$pow", (a, b) => {
  if (!a.isNumber()) throw new StoreError(28762, `$pow's base must be numeric, not ${typeName(a.type)}`);
  if (!b.isNumber()) throw new StoreError(28763, `$pow's exponent must be numeric, not ${typeName(b.type)}`);
  refuseDecimal("$pow", a, b);
  const [base, exponent] = [numberOf(a), numberOf(b)];
  if (base === 0 && exponent < 0)
    throw new StoreError(28764, "$pow cannot take a base of 0 and a negative exponent");
  if (!isInteger(a) || !isInteger(b)) return doubleRaw(base ** exponent);
  const long = a.type === Type.long || b.type === Type.long;
  if (base === 1 || base === -1)
    return integerRaw(base === 1 || bigOf(b) % 2n === 0n ? 1n : -1n, long) as Raw;
  if (exponent < 0) return doubleRaw(base ** exponent);
  if (exponent < 64 || base === 0) {
    const out = integerRaw(bigOf(a) ** (base === 0 && exponent > 0 ? 1n : bigOf(b)), long);
    if (out !== undefined) return out;
  }
  return doubleRaw(base ** exponent);
});

function bitwise(name: string, start: bigint, work: (a: bigint, b: bigint) => bigint): void {
  define({
    [name]: (operand, names) => {
      const parts = operands(operand, names);
      return (scope: Scope) => {
        let out = start;
        let long = false;
        for (const part of parts) {
          const value = part(scope);
          if (!present(value)) return nullRaw;
          if (!isInteger(value)) throw new StoreError(14, `${name} only supports int and long operands.`);
          long ||= value.type === Type.long;
          out = work(out, bigOf(value));
        }
        return integerRaw(out, long) as Raw;
      };
    },
  });
}
bitwise("$bitAnd", -1n, (a, b) => a & b);
bitwise("$bitOr", 0n, (a, b) => a | b);
bitwise("$bitXor", 0n, (a, b) => a ^ b);
unary("$bitNot", (value) => {
  if (!isInteger(value))
    throw new StoreError(14, `$bitNot only supports int and long, not: ${typeName(value.type)}.`);
  return integerRaw(~bigOf(value), value.type === Type.long) as Raw;
});

/** A running sum with the rules of `$sum`: exact integers, doubles with twice the precision, decimals separately. */
export class Sum {
  private whole = 0n;
  private high = 0;
  private low = 0;
  private decimal: Raw | undefined;
  private double = false;
  private long = false;
  count = 0;

  add(value: Raw): void {
    this.count++;
    if (value.type === Type.decimal) this.decimal = arithmetic("add", this.decimal ?? zero, value);
    else if (value.type === Type.double) {
      this.double = true;
      this.addDouble(numberOf(value));
    } else {
      this.long ||= value.type === Type.long;
      this.whole += bigOf(value);
    }
  }

  private addDouble(x: number): void {
    const sum = this.high + x;
    const part = sum - this.high;
    const rest = this.high - (sum - part) + (x - part);
    this.high = sum;
    if (Number.isFinite(sum)) this.low += rest;
  }

  private get real(): number {
    const total = new Sum();
    total.high = this.high;
    total.low = this.low;
    // An integer of up to 64 bits is the sum of two doubles.
    const near = Number(this.whole);
    if (this.whole !== 0n) {
      total.addDouble(near);
      total.addDouble(Number(this.whole - BigInt(near)));
    }
    return total.high + total.low;
  }

  result(): Raw {
    if (this.decimal !== undefined) {
      const exact = arithmetic("add", this.decimal, toDecimal({ coefficient: this.whole, exponent: 0 }));
      return this.double ? arithmetic("add", exact, doubleRaw(this.high + this.low)) : exact;
    }
    if (this.double) return doubleRaw(this.real);
    return integerRaw(this.whole, this.long) ?? doubleRaw(this.real);
  }

  /** The mean: a double, or a decimal where a decimal was added. Null of nothing. */
  mean(): Raw {
    if (this.count === 0) return nullRaw;
    if (this.decimal !== undefined) return divideDecimal(this.result(), intRaw(this.count));
    return doubleRaw(this.real / this.count);
  }
}

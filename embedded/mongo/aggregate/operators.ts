/** Comparison, logic, arithmetic and type operators. */
import { calculate } from "../bson/arithmetic.ts";
import {
  boolRaw,
  dateRaw,
  doubleRaw,
  intRaw,
  longRaw,
  nullRaw,
  stringRaw,
  undefinedRaw,
} from "../bson/make.ts";
import {
  dateMs,
  int32,
  items,
  numberOf,
  type Raw,
  stringValue,
  Type,
  truthy,
  typeName,
} from "../bson/raw.ts";
import { compareValues } from "../compare.ts";
import { StoreError } from "../errors.ts";
import {
  compileExpression,
  define,
  type Expression,
  exactly,
  named,
  operands,
  required,
  truth,
} from "./expression.ts";

function comparison(name: string, holds: (order: number) => boolean): void {
  define({
    [name]: (operand, names) => {
      const [left, right] = exactly(name, 2, operand, names) as [Expression, Expression];
      return (scope) => boolRaw(holds(compareMissing(left(scope), right(scope))));
    },
  });
}

/** Missing sorts below null here, unlike in queries. */
export function compareMissing(a: Raw | undefined, b: Raw | undefined): number {
  return compareValues(a ?? undefinedRaw, b ?? undefinedRaw);
}

comparison("$eq", (order) => order === 0);
comparison("$ne", (order) => order !== 0);
comparison("$gt", (order) => order > 0);
comparison("$gte", (order) => order >= 0);
comparison("$lt", (order) => order < 0);
comparison("$lte", (order) => order <= 0);

define({
  $cmp: (operand, names) => {
    const [left, right] = exactly("$cmp", 2, operand, names) as [Expression, Expression];
    return (scope) => intRaw(Math.sign(compareMissing(left(scope), right(scope))));
  },
  $literal: (operand) => () => operand,
  $const: (operand) => () => operand,
  $and: (operand, names) => {
    const parts = operands(operand, names).map(truth);
    return (scope) => boolRaw(parts.every((part) => part(scope)));
  },
  $or: (operand, names) => {
    const parts = operands(operand, names).map(truth);
    return (scope) => boolRaw(parts.some((part) => part(scope)));
  },
  $not: (operand, names) => {
    const [part] = exactly("$not", 1, operand, names) as [Expression];
    return (scope) => boolRaw(!truthy(part(scope)));
  },
  $cond: (operand, names) => {
    const [test, yes, no] = condParts(operand).map((part) => compileExpression(part, names)) as [
      Expression,
      Expression,
      Expression,
    ];
    return (scope) => (truthy(test(scope)) ? yes(scope) : no(scope));
  },
  $ifNull: (operand, names) => {
    const parts = operands(operand, names);
    if (parts.length < 2) throw new StoreError(1257300, "$ifNull needs at least two arguments");
    return (scope) => {
      let value: Raw | undefined;
      for (const part of parts) {
        value = part(scope);
        if (value !== undefined && !value.isNullish()) return value;
      }
      return value;
    };
  },
  $switch: (operand, names) => {
    const found = named("$switch", operand, ["branches", "default"]);
    const branches = items(required("$switch", found, "branches")).map((branch) => {
      const parts = named("$switch branch", branch, ["case", "then"]);
      return [
        truth(compileExpression(required("$switch", parts, "case"), names)),
        compileExpression(required("$switch", parts, "then"), names),
      ] as const;
    });
    const last = found.get("default");
    const otherwise = last && compileExpression(last, names);
    return (scope) => {
      for (const [test, then] of branches) if (test(scope)) return then(scope);
      if (otherwise === undefined)
        throw new StoreError(
          40066,
          "$switch could not find a matching branch for an input, and no default was specified.",
        );
      return otherwise(scope);
    };
  },
  $type: (operand, names) => {
    const [part] = exactly("$type", 1, operand, names) as [Expression];
    return (scope) => {
      const value = part(scope);
      return stringRaw(value === undefined ? "missing" : typeName(value.type));
    };
  },
  $isNumber: (operand, names) => {
    const [part] = exactly("$isNumber", 1, operand, names) as [Expression];
    return (scope) => boolRaw(part(scope)?.isNumber() ?? false);
  },
  $toBool: (operand, names) => {
    const [part] = exactly("$toBool", 1, operand, names) as [Expression];
    return (scope) => {
      const value = part(scope);
      return value === undefined || value.isNullish() ? nullRaw : boolRaw(truthy(value));
    };
  },
  $toLong: (operand, names) => {
    const [part] = exactly("$toLong", 1, operand, names) as [Expression];
    return (scope) => toLong(part(scope));
  },
  $toDouble: (operand, names) => {
    const [part] = exactly("$toDouble", 1, operand, names) as [Expression];
    return (scope) => toDouble(part(scope));
  },
});

function condParts(operand: Raw): Raw[] {
  if (operand.type === Type.array) {
    const list = items(operand);
    if (list.length !== 3)
      throw new StoreError(
        16020,
        `Expression $cond takes exactly 3 arguments. ${list.length} were passed in.`,
      );
    return list;
  }
  const found = named("$cond", operand, ["if", "then", "else"]);
  return ["if", "then", "else"].map((part) => required("$cond", found, part));
}

const present = (value: Raw | undefined): value is Raw => value !== undefined && !value.isNullish();

/** `$add` and `$multiply`; a 64-bit overflow goes on as a double. */
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

const one = intRaw(1);
const zero = intRaw(0);
const minusOne = intRaw(-1);

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
      return date ? dateRaw(numberOf(sum)) : sum;
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
  $subtract: (operand, names) => {
    const [left, right] = exactly("$subtract", 2, operand, names) as [Expression, Expression];
    return (scope) => {
      const a = left(scope);
      const b = right(scope);
      if (!present(a) || !present(b)) return nullRaw;
      if (a.type === Type.date) {
        if (b.type === Type.date) return longRaw(BigInt(dateMs(a)) - BigInt(dateMs(b)));
        return dateRaw(dateMs(a) - numberOf(wantNumber("$subtract", b)));
      }
      return arithmetic(
        "add",
        wantNumber("$subtract", a),
        arithmetic("multiply", minusOne, wantNumber("$subtract", b)),
      );
    };
  },
  $divide: (operand, names) => {
    const [left, right] = exactly("$divide", 2, operand, names) as [Expression, Expression];
    return (scope) => {
      const a = left(scope);
      const b = right(scope);
      if (!present(a) || !present(b)) return nullRaw;
      refuseDecimal("$divide", a, b);
      const by = numberOf(wantNumber("$divide", b));
      if (by === 0) throw new StoreError(2, "can't $divide by zero");
      return doubleRaw(numberOf(wantNumber("$divide", a)) / by);
    };
  },
  $mod: (operand, names) => {
    const [left, right] = exactly("$mod", 2, operand, names) as [Expression, Expression];
    return (scope) => {
      const a = left(scope);
      const b = right(scope);
      if (!present(a) || !present(b)) return nullRaw;
      refuseDecimal("$mod", a, b);
      const by = numberOf(wantNumber("$mod", b));
      if (by === 0) throw new StoreError(16610, "can't $mod by zero");
      return like(numberOf(wantNumber("$mod", a)) % by, a, b);
    };
  },
});

/** Operators that need exact decimal division or functions refuse decimals instead of rounding them. */
export function refuseDecimal(name: string, ...values: Raw[]): void {
  if (values.some((value) => value.type === Type.decimal)) {
    throw new StoreError(238, `${name} of Decimal128 is not supported by this store`);
  }
}

function like(value: number, a: Raw, b: Raw): Raw {
  if (a.type === Type.double || b.type === Type.double) return doubleRaw(value);
  return a.type === Type.long || b.type === Type.long ? longRaw(BigInt(value)) : intRaw(value);
}

for (const [name, round] of [
  ["$abs", Math.abs],
  ["$ceil", Math.ceil],
  ["$floor", Math.floor],
] as const) {
  define({
    [name]: (operand, names) => {
      const [part] = exactly(name, 1, operand, names) as [Expression];
      return (scope) => {
        const value = part(scope);
        if (!present(value)) return nullRaw;
        refuseDecimal(name, value);
        if (wantNumber(name, value).type === Type.double) return doubleRaw(round(numberOf(value)));
        if (name !== "$abs" || numberOf(value) >= 0) return value;
        return arithmetic("multiply", minusOne, value);
      };
    },
  });
}

function toLong(value: Raw | undefined): Raw {
  if (!present(value)) return nullRaw;
  if (value.type === Type.long) return value;
  if (value.type === Type.int) return longRaw(BigInt(int32(value.buf, value.start)));
  if (value.type === Type.date) return longRaw(BigInt(dateMs(value)));
  if (value.type === Type.bool) return longRaw(truthy(value) ? 1n : 0n);
  if (value.type === Type.string && /^[+-]?\d+$/.test(stringValue(value)))
    return longRaw(BigInt(stringValue(value)));
  const number = value.isNumber() ? numberOf(value) : Number.NaN;
  if (Number.isFinite(number) && Math.abs(number) < 2 ** 63) return longRaw(BigInt(Math.trunc(number)));
  throw new StoreError(
    241,
    `Failed to convert ${typeName(value.type)} to long in $convert with no onError value`,
  );
}

function toDouble(value: Raw | undefined): Raw {
  if (!present(value)) return nullRaw;
  if (value.isNumber()) return doubleRaw(numberOf(value));
  if (value.type === Type.date) return doubleRaw(dateMs(value));
  if (value.type === Type.bool) return doubleRaw(truthy(value) ? 1 : 0);
  const number =
    value.type === Type.string && stringValue(value).trim() !== "" ? Number(stringValue(value)) : Number.NaN;
  if (!Number.isNaN(number)) return doubleRaw(number);
  throw new StoreError(
    241,
    `Failed to convert ${typeName(value.type)} to double in $convert with no onError value`,
  );
}

/** Comparison, logic and conditions. */
import { boolRaw, intRaw, undefinedRaw } from "../bson/make.ts";
import { items, type Raw, Type, truthy } from "../bson/raw.ts";
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
function compareMissing(a: Raw | undefined, b: Raw | undefined): number {
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

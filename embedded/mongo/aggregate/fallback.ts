/**
 * Operators that mingo gets right for plain values: dates in UTC, strings, sets, trigonometry. Arguments are
 * evaluated here and handed over as literals, so only the operator itself is mingo's. Decimals, which mingo does
 * not know, are refused.
 */

import { Long } from "bson";
import { Context, evalExpr } from "mingo/core";
import * as arithmetic from "mingo/operators/expression/arithmetic";
import * as arrays from "mingo/operators/expression/array";
import * as dates from "mingo/operators/expression/date";
import * as objects from "mingo/operators/expression/object";
import * as sets from "mingo/operators/expression/set";
import * as strings from "mingo/operators/expression/string";
import * as trigonometry from "mingo/operators/expression/trignometry";
import * as types from "mingo/operators/expression/type";
import { fromJs, stringRaw } from "../bson/make.ts";
import { fields, items, type Raw, Type, toJs } from "../bson/raw.ts";
import { StoreError } from "../errors.ts";
import { compileExpression, define, type Expression, isOperator } from "./expression.ts";
import { refuseDecimal } from "./operators.ts";

const groups: [Record<string, unknown>, readonly string[]][] = [
  [
    dates,
    [
      "$dateAdd",
      "$dateDiff",
      "$dateFromParts",
      "$dateFromString",
      "$dateSubtract",
      "$dateToParts",
      "$dateToString",
      "$dateTrunc",
      "$dayOfMonth",
      "$dayOfWeek",
      "$dayOfYear",
      "$hour",
      "$isoDayOfWeek",
      "$isoWeek",
      "$isoWeekYear",
      "$millisecond",
      "$minute",
      "$month",
      "$second",
      "$week",
      "$year",
    ],
  ],
  [arithmetic, ["$exp", "$ln", "$log", "$log10", "$pow", "$round", "$sqrt", "$trunc"]],
  [arrays, ["$indexOfArray", "$range", "$reverseArray", "$slice", "$zip"]],
  [objects, ["$setField", "$unsetField"]],
  [
    sets,
    [
      "$allElementsTrue",
      "$anyElementTrue",
      "$setDifference",
      "$setEquals",
      "$setIntersection",
      "$setIsSubset",
    ],
  ],
  [
    strings,
    [
      "$indexOfBytes",
      "$indexOfCP",
      "$ltrim",
      "$replaceAll",
      "$replaceOne",
      "$rtrim",
      "$split",
      "$strLenBytes",
      "$strLenCP",
      "$strcasecmp",
      "$substr",
      "$substrBytes",
      "$substrCP",
      "$toLower",
      "$toUpper",
      "$trim",
    ],
  ],
  [
    trigonometry,
    [
      "$sin",
      "$cos",
      "$tan",
      "$asin",
      "$acos",
      "$atan",
      "$atan2",
      "$sinh",
      "$cosh",
      "$tanh",
      "$degreesToRadians",
      "$radiansToDegrees",
    ],
  ],
  [types, ["$toDate", "$toInt", "$toString"]],
];

type Operators = Parameters<Context["addExpressionOps"]>[0];
// mingo's type for an operator is an intersection that no function can be declared as.
const $literal = ((_: unknown, value: unknown) => value) as unknown as Operators["$literal"];
const context = Context.init({ expression: { $literal } as Operators });
for (const [implementations, names] of groups) {
  for (const name of names) {
    const implementation = implementations[name];
    if (implementation === undefined || isOperator(name)) continue;
    // The imports are modules of operators; mingo's own type for one is not exported.
    context.addExpressionOps({ [name]: implementation } as Operators);
    define({ [name]: (operand, variables) => viaMingo(name, operand, variables) });
  }
}

function viaMingo(name: string, operand: Raw, variables: ReadonlySet<string>): Expression {
  const build = argumentsOf(name, operand, variables);
  return (scope) => {
    const argument = build((part) => {
      const value = part(scope);
      if (value !== undefined) refuseDecimal(name, value);
      const js = value === undefined ? null : toJs(value);
      return { $literal: js instanceof Long ? js.toNumber() : js };
    });
    let result: unknown;
    try {
      result = evalExpr({}, { [name]: argument }, { context } as Parameters<typeof evalExpr>[2]);
    } catch (error) {
      throw new StoreError(2, `${name}: ${error instanceof Error ? error.message : error}`);
    }
    if (result === undefined) return undefined;
    return typeof result === "string" ? stringRaw(result) : fromJs(result);
  };
}

type Literal = (part: Expression) => { $literal: unknown };

/** The operand with every expression in it replaced by a literal of its value. */
function argumentsOf(
  name: string,
  operand: Raw,
  variables: ReadonlySet<string>,
): (literal: Literal) => unknown {
  if (operand.type === Type.array) {
    const parts = items(operand).map((item) => compileExpression(item, variables));
    return (literal) => parts.map(literal);
  }
  const inner = operand.type === Type.object ? fields(operand) : [];
  if (inner.length > 0 && !inner[0]?.[0].startsWith("$")) {
    refuseZone(name, inner);
    const parts = inner.map(([key, value]) => [key, compileExpression(value, variables)] as const);
    return (literal) => Object.fromEntries(parts.map(([key, part]) => [key, literal(part)]));
  }
  const single = compileExpression(operand, variables);
  return (literal) => literal(single);
}

/** mingo counts by fixed offsets, which is wrong where clocks change; only UTC is taken. */
function refuseZone(name: string, inner: readonly [string, Raw][]): void {
  const zone = inner.find(([key]) => key === "timezone")?.[1];
  if (zone === undefined) return;
  const text = zone.type === Type.string ? toJs(zone) : undefined;
  if (text === "UTC" || text === "GMT" || text === "Etc/UTC" || text === "+00:00") return;
  throw new StoreError(238, `${name} with a timezone other than UTC is not supported by this store`);
}

/** Further array operators: parts, ranges, orders; and sets. */

import { arrayRaw } from "../bson/compose.ts";
import { boolRaw, intRaw, nullRaw } from "../bson/make.ts";
import { fields, items, numberOf, type Raw, Type, truthy, typeName } from "../bson/raw.ts";
import { compareValues, equalValues, groupKey } from "../compare.ts";
import { StoreError } from "../errors.ts";
import { parsePath } from "../path.ts";
import { checkTime } from "../query/deadline.ts";
import { sortKey } from "../query/values.ts";
import { present } from "./arithmetic.ts";
import {
  compileExpression,
  define,
  type Expression,
  exactly,
  named,
  operands,
  required,
} from "./expression.ts";
import { position } from "./strings.ts";

const nameOf = (value: Raw | undefined): string => (value === undefined ? "missing" : typeName(value.type));

function whole(name: string, value: Raw | undefined, what: string, code: number): number {
  const number = value?.isNumber() ? numberOf(value) : Number.NaN;
  if (!Number.isInteger(number) || Math.abs(number) > 0x7fffffff)
    throw new StoreError(
      code,
      `${what} to ${name} must be representable as a 32-bit integer, found type: ${nameOf(value)}`,
    );
  return number;
}

function array(value: Raw, code: number, message: string): Raw[] {
  if (value.type === Type.array) return items(value);
  throw new StoreError(code, `${message}, found: ${typeName(value.type)}`);
}

function between(
  name: string,
  operand: Raw,
  names: ReadonlySet<string>,
  least: number,
  most: number,
): Expression[] {
  const parts = operands(operand, names);
  if (parts.length >= least && parts.length <= most) return parts;
  throw new StoreError(
    28667,
    `Expression ${name} takes at least ${least} arguments, and at most ${most}, but ${parts.length} were passed in.`,
  );
}

const mostElements = 4_000_000;

define({
  $slice: (operand, names) => {
    const parts = between("$slice", operand, names, 2, 3);
    return (scope) => {
      const [list, second, third] = parts.map((part) => part(scope));
      if (!present(list) || !present(second) || (parts.length === 3 && !present(third))) return nullRaw;
      const all = array(list, 28724, "First argument to $slice must be an array");
      const first = whole("$slice", second, "Second argument", 28726);
      if (parts.length === 2) return arrayRaw(first >= 0 ? all.slice(0, first) : all.slice(first));
      const count = whole("$slice", third, "Third argument", 28728);
      if (count <= 0) throw new StoreError(28729, `Third argument to $slice must be positive: ${count}`);
      const start = first < 0 ? Math.max(0, all.length + first) : first;
      return arrayRaw(all.slice(start, start + count));
    };
  },
  $range: (operand, names) => {
    const parts = between("$range", operand, names, 2, 3);
    return (scope) => {
      const values = parts.map((part) => part(scope));
      const start = whole("$range", values[0], "The starting value", 34444);
      const end = whole("$range", values[1], "The ending value", 34446);
      const step = parts.length === 3 ? whole("$range", values[2], "The step value", 34448) : 1;
      if (step === 0) throw new StoreError(34449, "$range requires a non-zero step value");
      if ((end - start) / step > mostElements)
        throw new StoreError(146, "$range would use too much memory and cannot spill to disk");
      const out: Raw[] = [];
      for (let at = start; step > 0 ? at < end : at > end; at += step) {
        checkTime();
        out.push(intRaw(at));
      }
      return arrayRaw(out);
    };
  },
  $reverseArray: (operand, names) => {
    const [part] = exactly("$reverseArray", 1, operand, names) as [Expression];
    return (scope) => {
      const value = part(scope);
      if (!present(value)) return nullRaw;
      return arrayRaw(array(value, 34435, "The argument to $reverseArray must be an array").reverse());
    };
  },
  $indexOfArray: (operand, names) => {
    const parts = between("$indexOfArray", operand, names, 2, 4);
    return (scope) => {
      const [list, wanted, start, end] = parts.map((part) => part(scope));
      if (!present(list)) return nullRaw;
      const all = array(list, 40090, "$indexOfArray requires an array as a first argument");
      const from = parts[2] ? position("$indexOfArray", start, "starting") : 0;
      const to = parts[3] ? position("$indexOfArray", end, "ending") : all.length;
      for (let i = from; i < Math.min(to, all.length); i++)
        if (wanted !== undefined && equalValues(all[i] as Raw, wanted)) return intRaw(i);
      return intRaw(-1);
    };
  },
  $zip: (operand, names) => {
    const found = named("$zip", operand, ["inputs", "useLongestLength", "defaults"]);
    const given = required("$zip", found, "inputs");
    if (given.type !== Type.array)
      throw new StoreError(34461, `inputs must be an array of expressions, found ${typeName(given.type)}`);
    const inputs = items(given).map((item) => compileExpression(item, names));
    if (inputs.length === 0) throw new StoreError(34465, "$zip requires at least one input array");
    const longest = found.get("useLongestLength");
    if (longest !== undefined && longest.type !== Type.bool)
      throw new StoreError(34463, `useLongestLength must be a bool, found ${typeName(longest.type)}`);
    const fill = found.get("defaults");
    if (fill !== undefined && fill.type !== Type.array)
      throw new StoreError(34462, `defaults must be an array of expressions, found ${typeName(fill.type)}`);
    if (fill !== undefined && !truthy(longest))
      throw new StoreError(34466, "cannot specify defaults unless useLongestLength is true");
    const defaults = fill && items(fill).map((item) => compileExpression(item, names));
    if (defaults !== undefined && defaults.length !== inputs.length)
      throw new StoreError(34467, "defaults and inputs must have the same length");
    return (scope) => {
      const values = inputs.map((input) => input(scope));
      if (!values.every(present)) return nullRaw;
      const lists = (values as Raw[]).map((value) =>
        array(value, 34468, "$zip found a non-array expression in input"),
      );
      const lengths = lists.map((list) => list.length);
      const count = truthy(longest) ? Math.max(...lengths) : Math.min(...lengths);
      const others = lists.map((_, i) => defaults?.[i]?.(scope) ?? nullRaw);
      return arrayRaw(
        Array.from({ length: count }, (_, at) =>
          arrayRaw(lists.map((list, i) => list[at] ?? (others[i] as Raw))),
        ),
      );
    };
  },
  $sortArray: (operand, names) => {
    const found = named("$sortArray", operand, ["input", "sortBy"]);
    const input = compileExpression(required("$sortArray", found, "input"), names);
    const order = sortOrder(required("$sortArray", found, "sortBy"));
    return (scope) => {
      const value = input(scope);
      if (!present(value)) return nullRaw;
      return arrayRaw(array(value, 2942504, "The input argument to $sortArray must be an array").sort(order));
    };
  },
});

function direction(value: Raw): number {
  const number = value.isNumber() ? numberOf(value) : 0;
  if (number !== 1 && number !== -1)
    throw new StoreError(2942507, "$sortArray: the sort order must be 1 or -1");
  return number;
}

function sortOrder(by: Raw): (a: Raw, b: Raw) => number {
  if (by.type !== Type.object) {
    const sign = direction(by);
    return (a, b) => compareValues(a, b) * sign;
  }
  const parts = fields(by).map(([name, value]) => ({ path: parsePath(name), sign: direction(value) }));
  if (parts.length === 0) throw new StoreError(2942508, "$sortArray: the sort pattern is empty");
  const keyOf = (value: Raw, { path, sign }: (typeof parts)[number]): Raw =>
    value.type === Type.object ? sortKey(value, path, sign < 0) : nullRaw;
  return (a, b) => {
    for (const part of parts) {
      const order = compareValues(keyOf(a, part), keyOf(b, part));
      if (order !== 0) return order * part.sign;
    }
    return 0;
  };
}

function several(name: string, pick: (all: Raw[], n: number) => Raw[]): void {
  define({
    [name]: (operand, names) => {
      const found = named(name, operand, ["input", "n"]);
      const input = compileExpression(required(name, found, "input"), names);
      const count = compileExpression(required(name, found, "n"), names);
      return (scope) => {
        const value = input(scope);
        const n = whole(name, count(scope), "The value of 'n'", 5787902);
        if (n <= 0) throw new StoreError(5787908, `'n' must be greater than 0, found ${n}`);
        if (!present(value))
          throw new StoreError(5788200, `${name}: input must be an array, found ${nameOf(value)}`);
        return arrayRaw(pick(array(value, 5788200, `${name}: input must be an array`), n));
      };
    },
  });
}
several("$firstN", (all, n) => all.slice(0, n));
several("$lastN", (all, n) => all.slice(-n));
several("$minN", (all, n) => all.filter(present).sort(compareValues).slice(0, n));
several("$maxN", (all, n) =>
  all
    .filter(present)
    .sort((a, b) => compareValues(b, a))
    .slice(0, n),
);

const distinct = (values: readonly Raw[]): Raw[] => {
  const seen = new Map<string, Raw>();
  for (const value of values) {
    checkTime();
    const key = groupKey(value);
    if (!seen.has(key)) seen.set(key, value);
  }
  return [...seen.values()];
};

const keysOf = (values: readonly Raw[]): Set<string> => new Set(values.map(groupKey));

define({
  $setUnion: (operand, names) => {
    const parts = operands(operand, names);
    return (scope) => {
      const values = parts.map((part) => part(scope));
      if (!values.every(present)) return nullRaw;
      return arrayRaw(
        distinct(
          (values as Raw[]).flatMap((it) => array(it, 17043, "All operands of $setUnion must be arrays")),
        ),
      );
    };
  },
  $setIntersection: (operand, names) => {
    const parts = operands(operand, names);
    return (scope) => {
      const values = parts.map((part) => part(scope));
      if (!values.every(present)) return nullRaw;
      const lists = (values as Raw[]).map((it) =>
        array(it, 17047, "All operands of $setIntersection must be arrays"),
      );
      const [first = [], ...rest] = lists;
      const others = rest.map(keysOf);
      return arrayRaw(distinct(first).filter((value) => others.every((keys) => keys.has(groupKey(value)))));
    };
  },
  $setDifference: (operand, names) => {
    const [left, right] = exactly("$setDifference", 2, operand, names) as [Expression, Expression];
    return (scope) => {
      const a = left(scope);
      const b = right(scope);
      if (!present(a) || !present(b)) return nullRaw;
      const gone = keysOf(array(b, 17049, "both operands of $setDifference must be arrays"));
      const all = array(a, 17048, "both operands of $setDifference must be arrays");
      return arrayRaw(distinct(all).filter((value) => !gone.has(groupKey(value))));
    };
  },
  $setEquals: (operand, names) => {
    const parts = operands(operand, names);
    if (parts.length < 2)
      throw new StoreError(17045, `$setEquals needs at least two arguments had: ${parts.length}`);
    return (scope) => {
      const sets = parts.map((part) => {
        const value = part(scope);
        if (value === undefined)
          throw new StoreError(17044, "All operands of $setEquals must be arrays, found: missing");
        return keysOf(array(value, 17044, "All operands of $setEquals must be arrays"));
      });
      const [first, ...rest] = sets as [Set<string>, ...Set<string>[]];
      return boolRaw(
        rest.every((other) => other.size === first.size && [...first].every((key) => other.has(key))),
      );
    };
  },
  $setIsSubset: (operand, names) => {
    const [left, right] = exactly("$setIsSubset", 2, operand, names) as [Expression, Expression];
    return (scope) => {
      const message = "both operands of $setIsSubset must be arrays";
      const inner = keysOf(array(left(scope) ?? nullRaw, 17046, message));
      const outer = keysOf(array(right(scope) ?? nullRaw, 17042, message));
      return boolRaw([...inner].every((key) => outer.has(key)));
    };
  },
  $allElementsTrue: (operand, names) => {
    const [part] = exactly("$allElementsTrue", 1, operand, names) as [Expression];
    return (scope) =>
      boolRaw(
        array(part(scope) ?? nullRaw, 17040, "$allElementsTrue's argument must be an array").every(truthy),
      );
  },
  $anyElementTrue: (operand, names) => {
    const [part] = exactly("$anyElementTrue", 1, operand, names) as [Expression];
    return (scope) =>
      boolRaw(
        array(part(scope) ?? nullRaw, 17041, "$anyElementTrue's argument must be an array").some(truthy),
      );
  },
});

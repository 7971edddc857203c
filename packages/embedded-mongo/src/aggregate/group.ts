/** `$group` and its accumulators. */

import { arrayRaw } from "../bson/compose.ts";
import { intRaw, nullRaw } from "../bson/make.ts";
import { fields, numberOf, type Raw, Type } from "../bson/raw.ts";
import { compareValues, groupKey } from "../compare.ts";
import { StoreError } from "../errors.ts";
import { pause } from "../query/deadline.ts";
import { Deviation } from "./accumulators.ts";
import { Sum } from "./arithmetic.ts";
import { mergeObjects } from "./collections.ts";
import { compileExpression, type Expression, named, objectOf, required, type Scope } from "./expression.ts";
import type { Stream } from "./stream.ts";

interface Accumulator {
  add(value: Raw | undefined, scope: Scope): void;
  result(): Raw | undefined;
}

type Factory = () => Accumulator;

/** Bytes of groups that `$group` may hold: MongoDB's limit without disk use. */
const memoryLimit = 100 * 1024 * 1024;

const simple: Record<string, Factory> = {
  $sum: () => numeric(new Sum(), (sum) => sum.result()),
  $avg: () => numeric(new Sum(), (sum) => sum.mean()),
  $min: () => extreme(-1),
  $max: () => extreme(1),
  $first: () => {
    let first: Raw | undefined;
    let any = false;
    return {
      add: (value) => {
        if (!any) first = value ?? nullRaw;
        any = true;
      },
      result: () => first,
    };
  },
  $last: () => {
    let last: Raw | undefined;
    return {
      add: (value) => {
        last = value ?? nullRaw;
      },
      result: () => last,
    };
  },
  $push: () => {
    const all: Raw[] = [];
    return {
      add: (value) => {
        if (value !== undefined) all.push(value);
      },
      result: () => arrayRaw(all),
    };
  },
  $addToSet: () => {
    const all = new Map<string, Raw>();
    return {
      add: (value) => {
        if (value !== undefined && !all.has(groupKey(value))) all.set(groupKey(value), value);
      },
      result: () => arrayRaw([...all.values()]),
    };
  },
  $mergeObjects: () => {
    let merged: Raw = mergeObjects([]);
    return {
      add: (value) => {
        if (value !== undefined) merged = mergeObjects([merged, value]);
      },
      result: () => merged,
    };
  },
  $stdDevPop: () => numeric(new Deviation(0), (found) => found.result()),
  $stdDevSamp: () => numeric(new Deviation(1), (found) => found.result()),
};

function extreme(sign: number): Accumulator {
  let best: Raw | undefined;
  return {
    add: (value) => {
      if (value === undefined || value.isNullish()) return;
      if (best === undefined || compareValues(value, best) * sign > 0) best = value;
    },
    result: () => best ?? nullRaw,
  };
}

/** Ignores values that are not numbers. */
function numeric<T extends { add(value: Raw): void }>(state: T, result: (state: T) => Raw): Accumulator {
  return {
    add: (value) => {
      if (value?.isNumber()) state.add(value);
    },
    result: () => result(state),
  };
}

interface Field {
  readonly name: string;
  readonly value: Expression;
  readonly make: Factory;
}

const noNames: ReadonlySet<string> = new Set();

function accumulatorField(name: string, spec: Raw, names: ReadonlySet<string>): Field {
  if (name.includes(".")) throw new StoreError(40235, `The field name '${name}' cannot contain '.'`);
  if (name.startsWith("$"))
    throw new StoreError(40236, `The field name '${name}' cannot be an operator name`);
  const parts = spec.type === Type.object ? fields(spec) : [];
  const [operator, operand] = parts[0] ?? [];
  if (operator === undefined || operand === undefined || parts.length !== 1) {
    throw new StoreError(40234, `The field '${name}' must be an accumulator object`);
  }
  if (operator === "$count") return { name, value: () => intRaw(1), make: simple.$sum as Factory };
  if (operator === "$firstN" || operator === "$lastN" || operator === "$minN" || operator === "$maxN")
    return several(name, operator, operand, names);
  const make = simple[operator];
  if (make === undefined) throw new StoreError(15952, `unknown group operator '${operator}'`);
  return { name, value: compileExpression(operand, names), make };
}

function several(name: string, operator: string, operand: Raw, names: ReadonlySet<string>): Field {
  const found = named(operator, operand, ["input", "n"]);
  const n = required(operator, found, "n");
  const count = n.isNumber() ? numberOf(n) : 0;
  if (!Number.isInteger(count) || count <= 0)
    throw new StoreError(5787908, `'n' must be greater than 0, found ${count}`);
  const make = (): Accumulator => {
    let kept: Raw[] = [];
    return {
      add: (value) => {
        if (operator === "$firstN") {
          if (kept.length < count) kept.push(value ?? nullRaw);
        } else if (operator === "$lastN") {
          kept.push(value ?? nullRaw);
          if (kept.length > count) kept.shift();
        } else if (value !== undefined && !value.isNullish()) {
          kept.push(value);
          if (kept.length > count * 2 + 100) trim();
        }
      },
      result: () => {
        trim();
        return arrayRaw(kept);
      },
    };
    function trim(): void {
      if (operator === "$minN") kept = kept.sort(compareValues).slice(0, count);
      if (operator === "$maxN") kept = kept.sort((a, b) => compareValues(b, a)).slice(0, count);
    }
  };
  return { name, value: compileExpression(required(operator, found, "input"), names), make };
}

interface Group {
  readonly id: Raw;
  readonly accumulators: readonly Accumulator[];
}

/** Compiles a `$group` specification to a function from all documents to the groups. */
export function compileGroup(
  spec: Raw,
  names: ReadonlySet<string> = noNames,
): (documents: Stream, scope: (document: Raw) => Scope) => Stream {
  if (spec.type !== Type.object)
    throw new StoreError(15947, "a group's fields must be specified in an object");
  const parts = fields(spec);
  const id = parts.find(([name]) => name === "_id")?.[1];
  if (id === undefined) throw new StoreError(15955, "a group specification must include an _id");
  const key = compileExpression(id, names);
  const accumulators = parts
    .filter(([name]) => name !== "_id")
    .map(([name, value]) => accumulatorField(name, value, names));
  return function* (documents, scopeOf) {
    const groups = new Map<string, Group>();
    let bytes = 0;
    for (const document of documents) {
      if (document === pause) {
        yield pause;
        continue;
      }
      const scope = scopeOf(document);
      const value = key(scope) ?? nullRaw;
      const text = groupKey(value);
      let group = groups.get(text);
      if (group === undefined) {
        group = { id: value, accumulators: accumulators.map((field) => field.make()) };
        groups.set(text, group);
        bytes += text.length * 2 + 200;
      }
      for (let i = 0; i < accumulators.length; i++) {
        const found = (accumulators[i] as Field).value(scope);
        bytes += found === undefined ? 0 : 8;
        group.accumulators[i]?.add(found, scope);
      }
      if (bytes > memoryLimit)
        throw new StoreError(
          292,
          "Exceeded memory limit for $group, but didn't allow external sort. Pass allowDiskUse:true to opt in.",
        );
    }
    for (const group of groups.values())
      yield objectOf([
        ["_id", group.id],
        ...group.accumulators.map(
          (accumulator, i) => [(accumulators[i] as Field).name, accumulator.result()] as const,
        ),
      ]);
  };
}

/** Operators on documents, and on single elements of arrays. */

import { arrayRaw } from "../bson/compose.ts";
import { boolRaw, intRaw, nullRaw, stringRaw } from "../bson/make.ts";
import {
  fields,
  getField,
  items,
  numberOf,
  type Raw,
  stringValue,
  Type,
  truthy,
  typeName,
} from "../bson/raw.ts";
import { equalValues } from "../compare.ts";
import { StoreError } from "../errors.ts";
import { checkTime } from "../query/deadline.ts";
import {
  bind,
  compileExpression,
  define,
  type Expression,
  exactly,
  named,
  objectOf,
  operands,
  required,
} from "./expression.ts";

const isNull = (value: Raw | undefined): boolean => value === undefined || value.isNullish();

function wantArray(name: string, value: Raw | undefined): Raw[] {
  if (value?.type === Type.array) return items(value);
  throw new StoreError(
    28689,
    `${name}'s argument must be an array, but is ${value === undefined ? "missing" : typeName(value.type)}`,
  );
}

/** The names with one more user variable. */
const plus = (names: ReadonlySet<string>, ...more: string[]): ReadonlySet<string> =>
  new Set([...names, ...more]);

function at(name: string, array: Raw | undefined, index: number): Raw | undefined {
  if (isNull(array)) return nullRaw;
  const list = wantArray(name, array);
  return list[index < 0 ? list.length + index : index];
}

define({
  $isArray: (operand, names) => {
    const [part] = exactly("$isArray", 1, operand, names) as [Expression];
    return (scope) => boolRaw(part(scope)?.type === Type.array);
  },
  $size: (operand, names) => {
    const [part] = exactly("$size", 1, operand, names) as [Expression];
    return (scope) => {
      const value = part(scope);
      if (value?.type !== Type.array)
        throw new StoreError(
          17124,
          `The argument to $size must be an array, but was of type: ${value === undefined ? "missing" : typeName(value.type)}`,
        );
      return intRaw(items(value).length);
    };
  },
  $in: (operand, names) => {
    const [needle, list] = exactly("$in", 2, operand, names) as [Expression, Expression];
    return (scope) => {
      const array = list(scope);
      if (array?.type !== Type.array)
        throw new StoreError(
          40081,
          `$in requires an array as a second argument, found: ${array === undefined ? "missing" : typeName(array.type)}`,
        );
      const value = needle(scope);
      return boolRaw(value !== undefined && items(array).some((item) => equalValues(item, value)));
    };
  },
  $arrayElemAt: (operand, names) => {
    const [array, index] = exactly("$arrayElemAt", 2, operand, names) as [Expression, Expression];
    return (scope) => {
      const where = index(scope);
      if (where === undefined || where.isNullish()) return nullRaw;
      if (!where.isNumber())
        throw new StoreError(28690, "$arrayElemAt's second argument must be a numeric value");
      if (!Number.isInteger(numberOf(where)))
        throw new StoreError(
          28691,
          "$arrayElemAt's second argument must be representable as a 32-bit integer",
        );
      return at("$arrayElemAt", array(scope), numberOf(where));
    };
  },
  $first: (operand, names) => {
    const [array] = exactly("$first", 1, operand, names) as [Expression];
    return (scope) => at("$first", array(scope), 0);
  },
  $last: (operand, names) => {
    const [array] = exactly("$last", 1, operand, names) as [Expression];
    return (scope) => at("$last", array(scope), -1);
  },
  $concatArrays: (operand, names) => {
    const parts = operands(operand, names);
    return (scope) => {
      const values = parts.map((part) => part(scope));
      if (values.some(isNull)) return nullRaw;
      return arrayRaw(values.flatMap((value) => wantArray("$concatArrays", value)));
    };
  },
  $filter: (operand, names) => {
    const found = named("$filter", operand, ["input", "as", "cond", "limit"]);
    const as = found.get("as");
    const name = as?.type === Type.string ? stringValue(as) : "this";
    const input = compileExpression(required("$filter", found, "input"), names);
    const cond = compileExpression(required("$filter", found, "cond"), plus(names, name));
    const limit = found.get("limit");
    const most = limit && compileExpression(limit, names);
    return (scope) => {
      const array = input(scope);
      if (isNull(array)) return nullRaw;
      const kept = wantArray("$filter", array).filter((item) => {
        checkTime();
        return truthy(cond(bind(scope, name, item)));
      });
      const count = most?.(scope);
      if (count === undefined || count.isNullish()) return arrayRaw(kept);
      const number = count.isNumber() ? numberOf(count) : Number.NaN;
      if (!Number.isInteger(number) || number < 1)
        throw new StoreError(
          327392,
          "$filter: limit must be represented as a 32-bit integral value greater than 0",
        );
      return arrayRaw(kept.slice(0, number));
    };
  },
  $map: (operand, names) => {
    const found = named("$map", operand, ["input", "as", "in"]);
    const as = found.get("as");
    const name = as?.type === Type.string ? stringValue(as) : "this";
    const input = compileExpression(required("$map", found, "input"), names);
    const body = compileExpression(required("$map", found, "in"), plus(names, name));
    return (scope) => {
      const array = input(scope);
      if (isNull(array)) return nullRaw;
      return arrayRaw(
        wantArray("$map", array).map((item) => {
          checkTime();
          return body(bind(scope, name, item)) ?? nullRaw;
        }),
      );
    };
  },
  $reduce: (operand, names) => {
    const found = named("$reduce", operand, ["input", "initialValue", "in"]);
    const input = compileExpression(required("$reduce", found, "input"), names);
    const initial = compileExpression(required("$reduce", found, "initialValue"), names);
    const body = compileExpression(required("$reduce", found, "in"), plus(names, "value", "this"));
    return (scope) => {
      const array = input(scope);
      if (isNull(array)) return nullRaw;
      let value = initial(scope);
      for (const item of wantArray("$reduce", array)) {
        checkTime();
        value = body(bind(bind(scope, "value", value), "this", item));
      }
      return value;
    };
  },
  $let: (operand, names) => {
    const found = named("$let", operand, ["vars", "in"]);
    const vars = fields(required("$let", found, "vars")).map(
      ([name, value]) => [name, compileExpression(value, names)] as const,
    );
    const body = compileExpression(required("$let", found, "in"), plus(names, ...vars.map(([name]) => name)));
    return (scope) => body(vars.reduce((inner, [name, value]) => bind(inner, name, value(scope)), scope));
  },
  $mergeObjects: (operand, names) => {
    const parts = operands(operand, names);
    return (scope) => mergeObjects(parts.flatMap((part) => spread(part(scope), parts.length === 1)));
  },
  $objectToArray: (operand, names) => {
    const [part] = exactly("$objectToArray", 1, operand, names) as [Expression];
    return (scope) => {
      const value = part(scope);
      if (value === undefined || value.isNullish()) return nullRaw;
      if (value.type !== Type.object)
        throw new StoreError(
          40390,
          `$objectToArray requires a document input, found: ${typeName(value.type)}`,
        );
      return arrayRaw(
        fields(value).map(([k, v]) =>
          objectOf([
            ["k", stringRaw(k)],
            ["v", v],
          ]),
        ),
      );
    };
  },
  $arrayToObject: (operand, names) => {
    const [part] = exactly("$arrayToObject", 1, operand, names) as [Expression];
    return (scope) => {
      const value = part(scope);
      if (isNull(value)) return nullRaw;
      return mergeObjects(wantArray("$arrayToObject", value).map((pair) => objectOf([keyAndValue(pair)])));
    };
  },
  $getField: (operand, names) => {
    const full = operand.type === Type.object && fields(operand).some(([name]) => name === "field");
    const found = full ? named("$getField", operand, ["field", "input"]) : undefined;
    const field = constantName("$getField", found ? required("$getField", found, "field") : operand, names);
    const inner = found?.get("input");
    const input = inner && compileExpression(inner, names);
    return (scope) => {
      const value = input ? input(scope) : scope.root;
      if (value === undefined || value.isNullish()) return value === undefined ? undefined : nullRaw;
      return value.type === Type.object ? getField(value, Buffer.from(field)) : undefined;
    };
  },
  $setField: (operand, names) => {
    const found = named("$setField", operand, ["field", "input", "value"]);
    const value = compileExpression(required("$setField", found, "value"), names);
    return setField("$setField", found, names, value);
  },
  $unsetField: (operand, names) => {
    const found = named("$unsetField", operand, ["field", "input"]);
    return setField("$unsetField", found, names, () => undefined);
  },
});

/** The name of a field: text, or a constant expression. */
function constantName(operator: string, value: Raw, names: ReadonlySet<string>): string {
  const literal = value.type === Type.object ? fields(value)[0] : undefined;
  const constant = literal?.[0] === "$literal" || literal?.[0] === "$const" ? literal[1] : value;
  if (constant.type === Type.string && (constant !== value || !stringValue(constant).startsWith("$")))
    return stringValue(constant);
  // Compiled first, so that an error in it is reported first.
  compileExpression(value, names);
  throw new StoreError(5654602, `${operator} requires 'field' to evaluate to a constant String`);
}

function setField(
  operator: string,
  found: ReadonlyMap<string, Raw>,
  names: ReadonlySet<string>,
  value: Expression,
): Expression {
  const field = constantName(operator, required(operator, found, "field"), names);
  const input = compileExpression(required(operator, found, "input"), names);
  return (scope) => {
    const document = input(scope);
    if (document === undefined || document.isNullish()) return nullRaw;
    if (document.type !== Type.object)
      throw new StoreError(4161105, `${operator} requires 'input' to evaluate to type Object`);
    const next = value(scope);
    const parts = fields(document);
    const at = parts.findIndex(([name]) => name === field);
    if (at === -1) return next === undefined ? document : objectOf([...parts, [field, next]]);
    return objectOf(parts.map(([name, old]) => [name, name === field ? next : old]));
  };
}

function spread(value: Raw | undefined, single: boolean): Raw[] {
  if (value === undefined || value.isNullish()) return [];
  return single && value.type === Type.array ? items(value) : [value];
}

/** Later values win, but stay at the place of the first field of that name. */
export function mergeObjects(values: readonly Raw[]): Raw {
  const merged = new Map<string, Raw>();
  for (const value of values) {
    if (value.isNullish()) continue;
    if (value.type !== Type.object)
      throw new StoreError(
        40400,
        `$mergeObjects requires object inputs, but input is of type ${typeName(value.type)}`,
      );
    for (const [name, part] of fields(value)) merged.set(name, part);
  }
  return objectOf([...merged]);
}

function keyAndValue(pair: Raw): [string, Raw] {
  const parts = pair.type === Type.array ? items(pair) : fields(pair).map(([, value]) => value);
  const named = pair.type === Type.object ? new Map(fields(pair)) : undefined;
  const key = named ? named.get("k") : parts[0];
  const value = named ? named.get("v") : parts[1];
  if (key?.type !== Type.string || value === undefined || parts.length !== 2) {
    throw new StoreError(40392, "$arrayToObject requires an array of key-value pairs");
  }
  return [stringValue(key), value];
}

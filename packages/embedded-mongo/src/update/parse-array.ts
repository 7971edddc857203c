/** The arguments of `$push` and `$addToSet`. */
import { fields, items, numberOf, type Raw, Type, typeName } from "../bson/raw.ts";
import { badValue } from "../errors.ts";
import { type Path, parsePath } from "../path.ts";

export interface Push {
  readonly values: readonly Raw[];
  readonly position: number | undefined;
  readonly slice: number | undefined;
  readonly sort: PushSort | undefined;
}

/** By whole values, or by fields of documents. */
export type PushSort =
  | { readonly descending: boolean }
  | readonly { readonly path: Path; readonly descending: boolean }[];

export function parsePush(value: Raw): Push {
  const options = value.type === Type.object ? fields(value) : [];
  const each = options.find(([name]) => name === "$each")?.[1];
  if (each === undefined) return { values: [value], position: undefined, slice: undefined, sort: undefined };
  let position: number | undefined;
  let slice: number | undefined;
  let sort: PushSort | undefined;
  for (const [name, option] of options) {
    if (name === "$position") position = integerOption("$position", option);
    else if (name === "$slice") slice = integerOption("$slice", option);
    else if (name === "$sort") sort = parseSort(option);
    else if (name !== "$each") throw badValue(`Unrecognized clause in $push: ${name}`);
  }
  return { values: eachOf("$push", each), position, slice, sort };
}

/** The values of `$addToSet`, with or without `$each`. */
export function parseValues(value: Raw): readonly Raw[] {
  const options = value.type === Type.object ? fields(value) : [];
  if (options[0]?.[0] !== "$each") return [value];
  if (options.length > 1)
    throw badValue(`Found unexpected fields after $each in $addToSet: ${options[1]?.[0]}`);
  return eachOf("$addToSet", options[0][1]);
}

function integerOption(name: string, value: Raw): number {
  const number = value.isNumber() ? numberOf(value) : Number.NaN;
  if (!Number.isInteger(number))
    throw badValue(`The value for ${name} must be an integer value, not of type: ${typeName(value.type)}`);
  return number;
}

function eachOf(operator: string, value: Raw): Raw[] {
  if (value.type === Type.array) return items(value);
  throw badValue(
    `The argument to $each in ${operator} must be an array but it was of type: ${typeName(value.type)}`,
  );
}

function parseSort(value: Raw): PushSort {
  if (value.isNumber()) return { descending: direction(value) };
  if (value.type !== Type.object)
    throw badValue(
      "The $sort is invalid: use 1/-1 to sort the whole element, or {field:1/-1} to sort embedded fields",
    );
  const parts = fields(value);
  if (parts.length === 0) throw badValue("The $sort pattern is empty when it should be a set of fields.");
  return parts.map(([name, order]) => ({ path: parsePath(name), descending: direction(order) }));
}

function direction(value: Raw): boolean {
  const number = value.isNumber() ? numberOf(value) : 0;
  if (number !== 1 && number !== -1) throw badValue("The $sort element value must be either 1 or -1");
  return number === -1;
}

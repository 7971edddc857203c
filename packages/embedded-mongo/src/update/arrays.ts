/** `$push` and `$addToSet` on one array. */

import { arrayRaw } from "../bson/compose.ts";
import { nullRaw } from "../bson/make.ts";
import { type Raw, Type, typeName } from "../bson/raw.ts";
import type { Item, Tree } from "../bson/tree.ts";
import { compareValues, equalValues, groupKey } from "../compare.ts";
import { badValue } from "../errors.ts";
import type { Path } from "../path.ts";
import { firstAt } from "../query/values.ts";
import type { Push, PushSort } from "./parse-array.ts";

/** The array at an item, opened. Anything else is refused. */
export function arrayOf(item: Item, path: Path, operator: string): Tree {
  if (item.type !== Type.array) {
    throw badValue(
      `The field '${path.text}' must be an array but is of type ${typeName(item.type)} (${operator})`,
    );
  }
  return item.open();
}

/** Appends or inserts. Returns a new array where there was none, undefined where nothing changes. */
export function pushValues(item: Item | undefined, push: Push, path: Path): Raw | "in place" | undefined {
  if (item === undefined) return arrayRaw(trim(sorted([...push.values], push.sort), push.slice));
  const tree = arrayOf(item, path, "$push");
  const plain = push.position === undefined && push.slice === undefined && push.sort === undefined;
  if (plain) {
    for (const value of push.values) tree.push(value);
    return push.values.length > 0 ? "in place" : undefined;
  }
  const all = tree.items.map((element) => element.raw());
  const length = all.length;
  const { position = length } = push;
  all.splice(position < 0 ? Math.max(0, length + position) : position, 0, ...push.values);
  const result = trim(sorted([...all], push.sort), push.slice);
  if (push.values.length === 0 && result.length === length && result.every((v, i) => v === all[i]))
    return undefined;
  tree.replaceAll(result);
  return "in place";
}

function sorted(values: Raw[], sort: PushSort | undefined): Raw[] {
  if (sort === undefined) return values;
  if ("descending" in sort)
    return values.sort((a, b) => (sort.descending ? compareValues(b, a) : compareValues(a, b)));
  return values.sort((a, b) => {
    for (const { path, descending } of sort) {
      const order = compareValues(firstAt(a, path) ?? nullRaw, firstAt(b, path) ?? nullRaw);
      if (order !== 0) return descending ? -order : order;
    }
    return 0;
  });
}

function trim(values: Raw[], slice: number | undefined): Raw[] {
  if (slice === undefined) return values;
  if (slice === 0) return [];
  return slice > 0 ? values.slice(0, slice) : values.slice(slice);
}

/** Adds the values that are not there yet. */
export function addToSet(
  item: Item | undefined,
  values: readonly Raw[],
  path: Path,
): Raw | "in place" | undefined {
  const fresh = values.length > 1 ? distinct(values) : values;
  if (item === undefined) return arrayRaw(fresh);
  const tree = arrayOf(item, path, "$addToSet");
  const present = tree.items.map((element) => element.raw());
  const missing = fresh.filter((value) => !present.some((other) => equalValues(other, value)));
  for (const value of missing) tree.push(value);
  return missing.length > 0 ? "in place" : undefined;
}

function distinct(values: readonly Raw[]): Raw[] {
  return [...new Map([...values].reverse().map((value) => [groupKey(value), value])).values()].reverse();
}

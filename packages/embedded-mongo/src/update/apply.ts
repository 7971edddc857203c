/** Applies parsed update operations to one document. */
import { Timestamp } from "bson";
import { calculate } from "../bson/arithmetic.ts";
import { dateRaw, emptyDocument, fromJs, intRaw, longRaw, nullRaw } from "../bson/make.ts";
import { Elements, fields, type Raw, Type, typeName } from "../bson/raw.ts";
import { type Item, Tree } from "../bson/tree.ts";
import { compareValues, equalValues, identical } from "../compare.ts";
import { badValue, StoreError } from "../errors.ts";
import type { Path, PathPart } from "../path.ts";
import { addToSet, arrayOf, pushValues } from "./arrays.ts";
import { expandPath } from "./expand.ts";
import type { Operation, Update } from "./parse.ts";

type Modify = Extract<Update, { kind: "modify" }>;

export interface ApplyContext {
  /** True when an upsert creates the document. */
  readonly inserting: boolean;
  readonly now: number;
  /** The array position that the filter matched under a path, for `$`. */
  readonly position: (prefix: string) => number | undefined;
}

/** The changed document. The identical value when nothing changed. */
export function applyOperations(document: Raw, update: Modify, context: ApplyContext): Raw {
  const root = new Tree(document);
  let changed = false;
  for (const operation of update.operations) {
    if (operation.op === "setOnInsert" && !context.inserting) continue;
    for (const path of expandPath(root, operation.path, update.filters, context.position)) {
      if (applyOne(root, path, operation, context)) changed = true;
    }
  }
  return changed ? root.toRaw() : document;
}

function applyOne(root: Tree, path: Path, operation: Operation, context: ApplyContext): boolean {
  switch (operation.op) {
    case "unset":
      return unset(root, path.parts);
    case "rename":
      return rename(root, path, operation.to);
    case "pull":
      return filterArray(root, path, operation.test);
    case "pullAll":
      return filterArray(root, path, (element) =>
        operation.values.some((value) => equalValues(element, value)),
      );
    case "pop":
      return pop(root, path, operation.first);
    default: {
      const place = findPlace(root, path);
      const current = place.item?.raw();
      const next = nextValue(place.item, current, operation, path, context);
      if (next === undefined) return false;
      if (next === "in place") return true;
      if (current !== undefined && identical(current, next)) return false;
      put(place, next, path);
      return true;
    }
  }
}

/** The result of an operation on the value at its path. Undefined leaves it unchanged. */
function nextValue(
  item: Item | undefined,
  current: Raw | undefined,
  operation: Operation,
  path: Path,
  context: ApplyContext,
): Raw | "in place" | undefined {
  switch (operation.op) {
    case "set":
    case "setOnInsert":
      return operation.value;
    case "min":
      return current === undefined || compareValues(operation.value, current) < 0
        ? operation.value
        : undefined;
    case "max":
      return current === undefined || compareValues(operation.value, current) > 0
        ? operation.value
        : undefined;
    case "inc":
      return current === undefined ? operation.value : number("add", current, operation.value, path);
    case "mul":
      return number("multiply", current ?? intRaw(0), operation.value, path);
    case "bit":
      return bitwise(current, operation.value, path);
    case "currentDate":
      return dateRaw(context.now);
    case "currentTimestamp":
      return fromJs(new Timestamp({ t: Math.floor(context.now / 1000), i: 1 }));
    case "push":
      return pushValues(item, operation.push, path);
    case "addToSet":
      return addToSet(item, operation.values, path);
    default:
      throw new Error(`no such operation: ${operation.op}`);
  }
}

function number(op: "add" | "multiply", current: Raw, operand: Raw, path: Path): Raw {
  const name = op === "add" ? "$inc" : "$mul";
  if (!current.isNumber()) {
    throw new StoreError(
      14,
      `Cannot apply ${name} to a value of non-numeric type. The field '${path.text}' has non-numeric type ${typeName(current.type)}`,
    );
  }
  const result = calculate(op, current, operand);
  if (result === undefined)
    throw badValue(`Failed to apply ${name} operations to current value of '${path.text}': overflow`);
  return result;
}

function bitwise(current: Raw | undefined, operations: Raw, path: Path): Raw {
  if (current !== undefined && current.type !== Type.int && current.type !== Type.long) {
    throw badValue(
      `Cannot apply $bit to a value of non-integral type. Field '${path.text}' has type ${typeName(current.type)}`,
    );
  }
  let value = current === undefined ? 0n : integer(current);
  let long = current?.type === Type.long;
  for (const [name, operand] of fields(operations)) {
    const other = integer(operand);
    long ||= operand.type === Type.long;
    value = name === "and" ? value & other : name === "or" ? value | other : value ^ other;
  }
  return long ? longRaw(value) : intRaw(Number(value));
}

function integer(value: Raw): bigint {
  return value.type === Type.long
    ? value.buf.readBigInt64LE(value.start)
    : BigInt(value.buf.readInt32LE(value.start));
}

interface Place {
  readonly tree: Tree;
  readonly item: Item | undefined;
  /** The first part of the path that does not exist yet. */
  readonly missingFrom: number;
}

function findPlace(root: Tree, path: Path): Place {
  let tree = root;
  for (let i = 0; i < path.parts.length; i++) {
    const part = path.parts[i] as PathPart;
    const item = tree.find(part);
    if (item === undefined || i === path.parts.length - 1) return { tree, item, missingFrom: i };
    if (!item.isContainer()) throw notViable(path, i, item);
    tree = item.open();
  }
  throw new Error("a path has at least one part");
}

function notViable(path: Path, at: number, item: Item): StoreError {
  const part = path.parts[at + 1]?.text;
  return new StoreError(
    28,
    `Cannot create field '${part}' in element {${path.parts[at]?.text}: ${typeName(item.type)}}`,
  );
}

const longestArray = 1_500_000;

function put(place: Place, value: Raw, path: Path): void {
  if (place.item !== undefined) {
    place.item.set(value);
    return;
  }
  const part = path.parts[place.missingFrom] as PathPart;
  const made = nest(path.parts, place.missingFrom + 1, value);
  if (!place.tree.isArray) {
    place.tree.append(part.bytes, made);
    return;
  }
  if (part.index < 0) {
    throw new StoreError(
      28,
      `Cannot create field '${part.text}' in element {${path.parts[place.missingFrom - 1]?.text}: array}`,
    );
  }
  if (part.index - place.tree.items.length > longestArray)
    throw badValue("can't backfill array to larger than 1500000 elements");
  while (place.tree.items.length < part.index) place.tree.push(nullRaw);
  place.tree.push(made);
}

/** `value` inside new documents for the parts of the path that do not exist. */
function nest(parts: readonly PathPart[], from: number, value: Raw): Raw {
  let made = value;
  for (let i = parts.length - 1; i >= from; i--) {
    const tree = new Tree(emptyDocument);
    tree.append((parts[i] as PathPart).bytes, made);
    made = tree.toRaw();
  }
  return made;
}

function findItem(root: Tree, parts: readonly PathPart[]): { tree: Tree; item: Item } | undefined {
  let tree = root;
  for (let i = 0; i < parts.length; i++) {
    const item = tree.find(parts[i] as PathPart);
    if (item === undefined) return undefined;
    if (i === parts.length - 1) return { tree, item };
    if (!item.isContainer()) return undefined;
    tree = item.open();
  }
  return undefined;
}

function unset(root: Tree, parts: readonly PathPart[]): boolean {
  const found = findItem(root, parts);
  if (found === undefined) return false;
  if (!found.tree.isArray) found.tree.remove(found.item);
  else if (found.item.type === Type.null) return false;
  else found.item.set(nullRaw);
  return true;
}

function rename(root: Tree, path: Path, to: Path): boolean {
  const found = findItem(root, path.parts);
  if (found === undefined) return false;
  if (found.tree.isArray) throw badValue(`The source field cannot be an array element, '${path.text}'`);
  const value = found.item.raw();
  found.tree.remove(found.item);
  const place = findPlace(root, to);
  if (place.tree.isArray) throw badValue(`The destination field cannot be an array element, '${to.text}'`);
  put(place, value, to);
  return true;
}

function filterArray(root: Tree, path: Path, goes: (element: Raw) => boolean): boolean {
  const found = findItem(root, path.parts);
  if (found === undefined) return false;
  if (found.item.type !== Type.array) throw badValue("Cannot apply $pull to a non-array value");
  if (!(found.item.value instanceof Tree) && !anyElement(found.item.raw(), goes)) return false;
  const tree = arrayOf(found.item, path, "$pull");
  const kept = tree.items.filter((item) => !goes(item.raw()));
  if (kept.length === tree.items.length) return false;
  tree.items.length = 0;
  for (const item of kept) tree.items.push(item);
  tree.changed = true;
  return true;
}

function anyElement(array: Raw, test: (element: Raw) => boolean): boolean {
  const elements = new Elements(array);
  while (elements.next()) if (test(elements.value())) return true;
  return false;
}

function pop(root: Tree, path: Path, first: boolean): boolean {
  const found = findItem(root, path.parts);
  if (found === undefined) return false;
  if (found.item.type !== Type.array) {
    throw new StoreError(
      14,
      `Path '${path.text}' contains an element of non-array type '${typeName(found.item.type)}'`,
    );
  }
  const { items } = found.item.open();
  if (items.length === 0) return false;
  found.item.open().remove((first ? items[0] : items[items.length - 1]) as Item);
  return true;
}

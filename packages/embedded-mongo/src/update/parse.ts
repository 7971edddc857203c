/** Parses an update document into operations. It refuses what MongoDB refuses, before any document is changed. */
import { fields, items, numberOf, type Raw, stringValue, Type, typeName } from "../bson/raw.ts";
import { badValue, failedToParse, StoreError } from "../errors.ts";
import { type Path, type PathPart, parsePath } from "../path.ts";
import type { Filter } from "../query/ast.ts";
import { type Push, parsePush, parseValues } from "./parse-array.ts";
import { type PullTest, parsePull } from "./pull.ts";

export type Operation = { readonly path: Path } & (
  | { readonly op: "set" | "setOnInsert" | "inc" | "mul" | "min" | "max" | "bit"; readonly value: Raw }
  | { readonly op: "unset" | "currentTimestamp" | "currentDate" }
  | { readonly op: "rename"; readonly to: Path }
  | { readonly op: "push"; readonly push: Push }
  | { readonly op: "addToSet" | "pullAll"; readonly values: readonly Raw[] }
  | { readonly op: "pull"; readonly test: PullTest }
  | { readonly op: "pop"; readonly first: boolean }
);

export type Update =
  | { readonly kind: "replace"; readonly document: Raw }
  | {
      readonly kind: "modify";
      readonly operations: readonly Operation[];
      readonly filters: ReadonlyMap<string, Filter>;
    }
  | { readonly kind: "pipeline"; readonly stages: readonly Raw[] };

/** Parses `u`: a replacement, a document of operators, or a pipeline. */
export function parseUpdate(value: Raw, filters: ReadonlyMap<string, Filter>): Update {
  if (value.type === Type.array) return { kind: "pipeline", stages: items(value) };
  if (value.type !== Type.object) throw failedToParse("Update argument must be either an object or an array");
  const operators = fields(value);
  if (!operators[0]?.[0].startsWith("$")) return parseReplacement(value, operators);
  const operations: Operation[] = [];
  for (const [operator, operand] of operators) {
    if (!known.has(operator)) {
      throw failedToParse(
        `Unknown modifier: ${operator}. Expected a valid update modifier or pipeline-style update specified as an array`,
      );
    }
    if (operand.type !== Type.object) {
      throw failedToParse(
        `Modifiers operate on fields but we found type ${typeName(operand.type)} instead. For example: {$mod: {<field>: ...}} not {${operator}: ...}`,
      );
    }
    for (const [name, argument] of fields(operand)) {
      checkPath(name);
      operations.push(parseOperation(operator, parsePath(name), argument));
    }
  }
  checkConflicts(operations);
  checkFilters(operations, filters);
  // New fields are added in this order, for any operator.
  operations.sort((a, b) => comparePaths(placeOf(a), placeOf(b)));
  return { kind: "modify", operations, filters };
}

const placeOf = (operation: Operation): Path => (operation.op === "rename" ? operation.to : operation.path);

/** MongoDB's order of updated paths: part by part, numbers as numbers, everything else by its bytes. */
function comparePaths(a: Path, b: Path): number {
  const shared = Math.min(a.parts.length, b.parts.length);
  for (let i = 0; i < shared; i++) {
    const [x, y] = [a.parts[i] as PathPart, b.parts[i] as PathPart];
    const order = x.index >= 0 && y.index >= 0 ? x.index - y.index : x.bytes.compare(y.bytes);
    if (order !== 0) return order;
  }
  return a.parts.length - b.parts.length;
}

function parseReplacement(value: Raw, operators: [string, Raw][]): Update {
  for (const [name] of operators) {
    if (name.startsWith("$")) {
      throw new StoreError(
        52,
        `The dollar ($) prefixed field '${name}' in '${name}' is not allowed in the context of an update's replacement document. Consider using an aggregation pipeline with $replaceWith.`,
      );
    }
  }
  return { kind: "replace", document: value };
}

const known = new Set([
  "$set",
  "$setOnInsert",
  "$unset",
  "$inc",
  "$mul",
  "$min",
  "$max",
  "$bit",
  "$currentDate",
  "$rename",
  "$push",
  "$addToSet",
  "$pull",
  "$pullAll",
  "$pop",
]);

function checkPath(path: string): void {
  if (path === "") throw new StoreError(56, "An empty update path is not valid.");
  const parts = path.split(".");
  if (parts.includes("")) {
    throw new StoreError(56, `The update path '${path}' contains an empty field name, which is not allowed.`);
  }
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as string;
    if (!part.startsWith("$") || (i > 0 && (part === "$" || /^\$\[\w*\]$/.test(part)))) continue;
    if (["$ref", "$id", "$db"].includes(part)) continue;
    throw new StoreError(
      52,
      `The dollar ($) prefixed field '${part}' in '${path}' is not valid for storage.`,
    );
  }
}

function parseOperation(operator: string, path: Path, value: Raw): Operation {
  switch (operator) {
    case "$set":
    case "$setOnInsert":
    case "$min":
    case "$max":
      return { op: operator.slice(1) as "set" | "setOnInsert" | "min" | "max", path, value };
    case "$inc":
    case "$mul":
      if (!value.isNumber()) {
        const verb = operator === "$inc" ? "increment" : "multiply";
        throw new StoreError(
          14,
          `Cannot ${verb} with non-numeric argument: {${path.text}: ${typeName(value.type)}}`,
        );
      }
      return { op: operator === "$inc" ? "inc" : "mul", path, value };
    case "$unset":
      return { op: "unset", path };
    case "$bit":
      return { op: "bit", path, value: checkBit(value) };
    case "$currentDate":
      return { op: dateKind(value), path };
    case "$rename":
      return { op: "rename", path, to: renameTarget(path, value) };
    case "$push":
      return { op: "push", path, push: parsePush(value) };
    case "$addToSet":
      return { op: "addToSet", path, values: parseValues(value) };
    case "$pullAll":
      if (value.type !== Type.array)
        throw badValue(`$pullAll requires an array argument but was given a ${typeName(value.type)}`);
      return { op: "pullAll", path, values: items(value) };
    case "$pull":
      return { op: "pull", path, test: parsePull(value) };
    default:
      return { op: "pop", path, first: popEnd(value) };
  }
}

function checkBit(value: Raw): Raw {
  if (value.type !== Type.object)
    throw badValue("The $bit modifier is not compatible with this operand: an object is wanted");
  if (fields(value).length === 0)
    throw badValue(
      "You must pass in at least one bitwise operation. The format is: {$bit: {field: {and/or/xor: #}}",
    );
  for (const [name, operand] of fields(value)) {
    if (!["and", "or", "xor"].includes(name)) {
      throw badValue(
        `The $bit modifier only supports 'and', 'or', and 'xor', not '${name}' which is an unknown operator`,
      );
    }
    if (operand.type !== Type.int && operand.type !== Type.long) {
      throw badValue("The $bit modifier field must be an Integer(32/64 bit)");
    }
  }
  return value;
}

function dateKind(value: Raw): "currentDate" | "currentTimestamp" {
  if (value.type === Type.bool) return "currentDate";
  const options = value.type === Type.object ? fields(value) : [];
  const unknown = options.find(([name]) => name !== "$type");
  if (unknown !== undefined) throw badValue(`Unrecognized $currentDate option: ${unknown[0]}`);
  const type = options[0];
  const wanted = type?.[0] === "$type" && type[1].type === Type.string ? stringValue(type[1]) : undefined;
  if (wanted === "date") return "currentDate";
  if (wanted === "timestamp") return "currentTimestamp";
  throw badValue(
    "The '$type' string field is required to be 'date' or 'timestamp': {$currentDate: {field : {$type: 'date'}}}",
  );
}

function renameTarget(path: Path, value: Raw): Path {
  if (value.type !== Type.string) throw badValue(`The 'to' field for $rename must be a string: ${path.text}`);
  const to = stringValue(value);
  checkPath(to);
  if (to === path.text)
    throw badValue(`The source and target field for $rename must differ: ${path.text}: "${to}"`);
  if (/(^|\.)\$/.test(`${path.text}.${to}`))
    throw badValue("The source and target field for $rename must not be dynamic");
  return parsePath(to);
}

function popEnd(value: Raw): boolean {
  const number = value.isNumber() ? numberOf(value) : 0;
  if (number !== 1 && number !== -1) throw failedToParse("$pop expects 1 or -1");
  return number === -1;
}

/** Two operations must not write the same place, nor one inside the other. */
function checkConflicts(operations: readonly Operation[]): void {
  if (operations.length < 2 && operations[0]?.op !== "rename") return;
  const taken = new Set<string>();
  const inner = new Set<string>();
  for (const operation of operations) {
    for (const path of operation.op === "rename" ? [operation.path, operation.to] : [operation.path]) {
      const { text } = path;
      if (taken.has(text) || inner.has(text)) throw conflict(text, text);
      for (let dot = text.indexOf("."); dot !== -1; dot = text.indexOf(".", dot + 1)) {
        const parent = text.slice(0, dot);
        if (taken.has(parent)) throw conflict(text, parent);
        inner.add(parent);
      }
      taken.add(text);
    }
  }
}

function conflict(path: string, at: string): StoreError {
  return new StoreError(40, `Updating the path '${path}' would create a conflict at '${at}'`);
}

function checkFilters(operations: readonly Operation[], filters: ReadonlyMap<string, Filter>): void {
  const used = new Set<string>();
  for (const { path } of operations) {
    for (const { text } of path.parts) {
      const name = /^\$\[(\w+)\]$/.exec(text)?.[1];
      if (name === undefined) continue;
      if (!filters.has(name)) {
        throw badValue(`No array filter found for identifier '${name}' in path '${path.text}'`);
      }
      used.add(name);
    }
  }
  for (const name of filters.keys()) {
    if (!used.has(name)) {
      throw failedToParse(`The array filter for identifier '${name}' was not used in the update`);
    }
  }
}

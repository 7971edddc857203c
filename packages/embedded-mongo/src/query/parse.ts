/** Parses a filter document. What MongoDB would refuse is refused with its code. */
import { Binary } from "bson";
import { wholeNumber } from "../bson/arithmetic.ts";
import { fields, items, numberOf, type Raw, stringValue, Type, toJs, truthy, typeName } from "../bson/raw.ts";
import { badValue, failedToParse, StoreError } from "../errors.ts";
import { parsePath } from "../path.ts";
import type { Filter, Test } from "./ast.ts";
import { compileRegex, regexOf } from "./regex.ts";

const deepest = 100;

/** Elements that only a query may have, and only in some places. */
interface Allowed {
  readonly text: boolean;
  readonly expr: boolean;
}

const nothing: Allowed = { text: false, expr: false };

/** Parses the filter of a query: `$expr` anywhere, `$text` once and where all documents must match it. */
export function parseQuery(document: Raw): Filter {
  const filter = parseFilter(document, 0, { text: true, expr: true });
  if (countTexts(filter) > 1) throw badValue("Too many text expressions");
  return filter;
}

function countTexts(filter: Filter): number {
  if (filter.kind === "text") return 1;
  return filter.kind === "and" ? filter.filters.reduce((sum, part) => sum + countTexts(part), 0) : 0;
}

/** Parses the filter of a `$match` that is not the first stage of its pipeline. */
export function parseMatch(document: Raw): Filter {
  return parseFilter(document, 0, { text: false, expr: true });
}

/** Parses a filter over one document alone. */
export function parseFilter(document: Raw, depth = 0, allowed = nothing): Filter {
  if (depth > deepest) throw badValue(`exceeded maximum query tree depth of ${deepest}`);
  const filters: Filter[] = [];
  for (const [name, value] of fields(document)) {
    const operator = name.startsWith("$") && !isReferenceField(name);
    const parsed = operator ? parseTopLevel(name, value, depth, allowed) : parseField(name, value, depth);
    if (parsed !== undefined) filters.push(parsed);
  }
  return all(filters);
}

function all(filters: Filter[]): Filter {
  if (filters.length === 0) return { kind: "constant", value: true };
  return filters.length === 1 ? (filters[0] as Filter) : { kind: "and", filters };
}

/** The fields of a DBRef are fields, not operators. */
const isReferenceField = (name: string): boolean => name === "$ref" || name === "$id" || name === "$db";

function parseTopLevel(name: string, value: Raw, depth: number, allowed: Allowed): Filter | undefined {
  switch (name) {
    case "$and":
      return { kind: "and", filters: parseList(name, value, depth, allowed) };
    case "$or":
    case "$nor":
      return {
        kind: name.slice(1) as "or" | "nor",
        filters: parseList(name, value, depth, { ...allowed, text: false }),
      };
    case "$comment":
      return undefined;
    case "$expr":
      if (!allowed.expr) throw new StoreError(224, "$expr is not allowed in this context");
      return { kind: "expr", expression: value };
    case "$text":
      if (!allowed.text)
        throw badValue("$text is allowed in the first $match of a pipeline or at the top of a query only");
      return parseText(value);
    case "$alwaysTrue":
    case "$alwaysFalse":
      return { kind: "constant", value: name === "$alwaysTrue" };
    case "$where":
      throw new StoreError(2, "no globalScriptEngine in $where parsing");
    case "$jsonSchema":
      throw new StoreError(238, "$jsonSchema is not supported by this store");
    default:
      throw badValue(
        `unknown top level operator: ${name}. If you have a field name that starts with a '$' symbol, consider using $getField or $setField.`,
      );
  }
}

function parseList(name: string, value: Raw, depth: number, allowed: Allowed): Filter[] {
  if (value.type !== Type.array) throw badValue(`${name} must be an array`);
  const list = items(value);
  if (list.length === 0) throw badValue(`${name} must be a nonempty array`);
  return list.map((item) => {
    if (item.type !== Type.object) throw badValue("$or/$and/$nor entries need to be full objects");
    return parseFilter(item, depth + 1, allowed);
  });
}

function parseText(value: Raw): Filter {
  if (value.type !== Type.object) throw badValue("$text expects an object");
  let search: string | undefined;
  for (const [name, option] of fields(value)) {
    if (name === "$search" && option.type === Type.string) search = stringValue(option);
    else if (name === "$caseSensitive" || name === "$diacriticSensitive") {
      if (option.type !== Type.bool) throw new StoreError(14, `${name} must be a boolean`);
      if (truthy(option)) throw new StoreError(238, `$text with ${name} is not supported by this store`);
    } else if (name === "$language") {
      // The index stores words unchanged. With a language, MongoDB would find other words.
      if (option.type !== Type.string) throw new StoreError(14, "$language must be a string");
      if (stringValue(option) !== "none")
        throw new StoreError(238, "$text with a $language other than 'none' is not supported by this store");
    } else throw badValue(`unexpected argument to $text: ${name}`);
  }
  if (search === undefined) throw new StoreError(14, "$search is required and must be a string");
  return { kind: "text", search: { search } };
}

function parseField(name: string, value: Raw, depth: number): Filter {
  const path = parsePath(name);
  const tests = parseTests(value, depth);
  return all(tests.map((test) => ({ kind: "field", path, test })));
}

/** True for `{$gt: 1, …}`, false for a literal document. A mix is an error, as in MongoDB. */
function isOperatorDocument(value: Raw): boolean {
  if (value.type !== Type.object) return false;
  const first = fields(value)[0]?.[0];
  return first?.startsWith("$") === true && !isReferenceField(first);
}

function parseTests(value: Raw, depth: number): Test[] {
  if (value.type === Type.regex) return [{ op: "regex", pattern: regexOf(value) }];
  if (!isOperatorDocument(value)) return [equal(value)];
  const tests: Test[] = [];
  const operators = fields(value);
  for (const [name, operand] of operators) {
    if (name === "$options") {
      if (!operators.some(([other]) => other === "$regex")) throw badValue("$options needs a $regex");
      continue;
    }
    if (name === "$regex")
      tests.push(parseRegex(operand, operators.find(([other]) => other === "$options")?.[1]));
    else if (name !== "$comment") tests.push(...parseOperator(name, operand, depth));
  }
  return tests;
}

function equal(value: Raw): Test {
  if (value.type === Type.undefined) throw badValue("cannot compare to undefined");
  return { op: "eq", value };
}

function parseRegex(value: Raw, options: Raw | undefined): Test {
  if (options !== undefined && options.type !== Type.string) throw badValue("$options has to be a string");
  const extra = options === undefined ? "" : stringValue(options);
  if (value.type === Type.regex) return { op: "regex", pattern: regexOf(value, extra) };
  if (value.type !== Type.string) throw badValue("$regex has to be a string");
  return { op: "regex", pattern: compileRegex(stringValue(value), extra) };
}

function parseOperator(name: string, value: Raw, depth: number): Test[] {
  switch (name) {
    case "$eq":
      return [equal(value)];
    case "$lt":
    case "$lte":
    case "$gt":
    case "$gte":
      if (value.type === Type.regex)
        throw badValue(`Can't have RegEx as arg to predicate over field '${name}'.`);
      return [{ op: name.slice(1) as "lt" | "lte" | "gt" | "gte", value }];
    case "$ne":
      if (value.type === Type.regex) throw badValue("Can't have regex as arg to $ne.");
      return [{ op: "not", tests: [equal(value)] }];
    case "$in":
      return [parseIn(name, value)];
    case "$nin":
      return [{ op: "not", tests: [parseIn(name, value)] }];
    case "$exists":
      return [{ op: "exists", wanted: truthy(value) }];
    case "$type":
      return [{ op: "type", types: parseTypes(value) }];
    case "$size":
      return [{ op: "size", size: parseSize(value) }];
    case "$mod":
      return [parseMod(value)];
    case "$not":
      return [{ op: "not", tests: parseNot(value, depth) }];
    case "$all":
      return [parseAll(value, depth)];
    case "$elemMatch":
      return [parseElemMatch(value, depth)];
    case "$bitsAllSet":
    case "$bitsAllClear":
    case "$bitsAnySet":
    case "$bitsAnyClear":
      return [{ op: "bits", mask: parseMask(name, value), mode: bitModes[name] }];
    default:
      throw badValue(`unknown operator: ${name}`);
  }
}

const bitModes = {
  $bitsAllSet: "allSet",
  $bitsAllClear: "allClear",
  $bitsAnySet: "anySet",
  $bitsAnyClear: "anyClear",
} as const;

function parseIn(name: string, value: Raw): Test {
  if (value.type !== Type.array) throw badValue(`${name} needs an array`);
  const list = items(value);
  for (const item of list) {
    if (isOperatorDocument(item)) throw badValue("cannot nest $ under $in");
  }
  return {
    op: "in",
    values: list,
    patterns: list.filter((item) => item.type === Type.regex).map((item) => regexOf(item)),
  };
}

function parseNot(value: Raw, depth: number): Test[] {
  if (value.type === Type.regex) return parseTests(value, depth);
  if (value.type !== Type.object) throw badValue("$not needs a regex or a document");
  const names = fields(value);
  if (names.length === 0) throw badValue("$not cannot be empty");
  if (!isOperatorDocument(value)) throw badValue(`unknown operator: ${names[0]?.[0]}`);
  return parseTests(value, depth);
}

function parseAll(value: Raw, depth: number): Test {
  if (value.type !== Type.array) throw badValue("$all needs an array");
  const tests = items(value).map((item): Test => {
    if (item.type === Type.regex) return { op: "regex", pattern: regexOf(item) };
    const first = item.type === Type.object ? fields(item)[0] : undefined;
    if (first?.[0] === "$elemMatch") return parseElemMatch(first[1], depth);
    if (first?.[0].startsWith("$")) throw badValue("no $ expressions in $all");
    return equal(item);
  });
  return { op: "all", tests };
}

const logical = new Set(["$and", "$or", "$nor", "$expr", "$where", "$comment", "$jsonSchema"]);

type ElemMatch = Extract<Test, { op: "elemMatchObject" | "elemMatchValue" }>;

/** The operand of `$elemMatch`. */
export function parseElemMatchTest(value: Raw): ElemMatch {
  return parseElemMatch(value, 0);
}

function parseElemMatch(value: Raw, depth: number): ElemMatch {
  if (value.type !== Type.object) throw badValue("$elemMatch needs an Object");
  const first = fields(value)[0]?.[0];
  if (first?.startsWith("$") && !logical.has(first) && !isReferenceField(first)) {
    return { op: "elemMatchValue", tests: parseTests(value, depth + 1) };
  }
  return { op: "elemMatchObject", filter: parseFilter(value, depth + 1) };
}

const aliases: Record<string, readonly number[]> = {
  double: [1],
  string: [2],
  object: [3],
  array: [4],
  binData: [5],
  undefined: [6],
  objectId: [7],
  bool: [8],
  date: [9],
  null: [10],
  regex: [11],
  dbPointer: [12],
  javascript: [13],
  symbol: [14],
  javascriptWithScope: [15],
  int: [16],
  timestamp: [17],
  long: [18],
  decimal: [19],
  maxKey: [127],
  minKey: [255],
  number: [1, 16, 18, 19],
};

function parseTypes(value: Raw): ReadonlySet<number> {
  const list = value.type === Type.array ? items(value) : [value];
  if (list.length === 0) throw failedToParse("type must match at least one type");
  const types = new Set<number>();
  for (const item of list) {
    if (item.type === Type.string) {
      const found = aliases[stringValue(item)];
      if (found === undefined) throw badValue(`Unknown type name alias: ${stringValue(item)}`);
      for (const type of found) types.add(type);
    } else if (item.isNumber()) {
      const code = numberOf(item);
      const type = code === -1 ? Type.minKey : code;
      if (code === 0 || typeName(type) === "unknown") throw badValue(`Invalid numerical type code: ${code}`);
      types.add(type);
    } else {
      throw new StoreError(14, "type must be represented as a number or a string");
    }
  }
  return types;
}

function parseSize(value: Raw): number {
  if (!value.isNumber()) throw failedToParse("Failed to parse $size. Expected a number");
  const size = numberOf(value);
  if (!Number.isInteger(size)) throw failedToParse("Failed to parse $size. Expected an integer");
  if (size < 0) throw failedToParse("Failed to parse $size. Expected a non-negative number");
  return size;
}

function parseMod(value: Raw): Test {
  if (value.type !== Type.array) throw badValue("malformed mod, needs to be an array");
  const [divisor, remainder, ...rest] = items(value);
  if (divisor === undefined || remainder === undefined) throw badValue("malformed mod, not enough elements");
  if (rest.length > 0) throw badValue("malformed mod, too many elements");
  const by = BigInt(wholeNumber(divisor, "malformed mod, divisor"));
  if (by === 0n) throw badValue("divisor cannot be 0");
  return { op: "mod", divisor: by, remainder: BigInt(wholeNumber(remainder, "malformed mod, remainder")) };
}

function parseMask(name: string, value: Raw): bigint {
  if (value.type === Type.array) {
    let mask = 0n;
    for (const item of items(value)) {
      const bit = wholeNumber(item, "bit positions");
      if (bit < 0 || bit > 1_000_000) throw badValue("bit positions must be >= 0");
      mask |= 1n << BigInt(bit);
    }
    return mask;
  }
  if (value.isNumber()) {
    const mask = numberOf(value);
    if (!Number.isInteger(mask) || mask < 0)
      throw failedToParse(`Expected a non-negative integer in: ${name}`);
    return BigInt(mask);
  }
  const binary = toJs(value);
  if (binary instanceof Binary) {
    return binary.value().reduce((mask, byte, i) => mask | (BigInt(byte) << BigInt(8 * i)), 0n);
  }
  throw badValue(`${name} takes an Array, a number, or a BinData but received: ${typeName(value.type)}`);
}

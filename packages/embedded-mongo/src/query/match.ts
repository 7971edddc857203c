/** Compiles a parsed filter to a function over raw documents. */
import { Elements, getField, int32, numberOf, type Raw, stringValue, Type } from "../bson/raw.ts";
import { compareValues, equalValues } from "../compare.ts";
import { encodeKey, isNaNValue, typeOrder } from "../key-encoding.ts";
import type { PathPart } from "../path.ts";
import type { Filter, Test } from "./ast.ts";

export type Matcher = (document: Raw) => boolean;
/** A test of one value. Undefined means a missing field. */
type ValueTest = (value: Raw | undefined) => boolean;
/** Evaluates `$expr`. Passed in, because expressions depend on matching. */
export type ExpressionCompiler = (expression: Raw) => (document: Raw) => boolean;

const noExpressions: ExpressionCompiler = () => {
  throw new Error("no expression compiler was given");
};

/** The predicate of a filter. The index decides `$text`, so it is always true here. */
export function compileFilter(filter: Filter, expressions: ExpressionCompiler = noExpressions): Matcher {
  switch (filter.kind) {
    case "constant":
      return () => filter.value;
    case "text":
      return () => true;
    case "expr":
      return expressions(filter.expression);
    case "field":
      return compileTest(filter.path.parts, filter.test, expressions);
    case "and": {
      const tests = filter.filters.map((part) => compileFilter(part, expressions));
      return (document) => tests.every((test) => test(document));
    }
    case "or": {
      const tests = filter.filters.map((part) => compileFilter(part, expressions));
      return (document) => tests.some((test) => test(document));
    }
    case "nor": {
      const tests = filter.filters.map((part) => compileFilter(part, expressions));
      return (document) => !tests.some((test) => test(document));
    }
  }
}

function compileTest(parts: readonly PathPart[], test: Test, expressions: ExpressionCompiler): Matcher {
  switch (test.op) {
    case "not": {
      const tests = test.tests.map((inner) => compileTest(parts, inner, expressions));
      return (document) => !tests.every((inner) => inner(document));
    }
    case "all": {
      if (test.tests.length === 0) return () => false;
      const tests = test.tests.map((inner) => compileTest(parts, inner, expressions));
      return (document) => tests.every((inner) => inner(document));
    }
    case "exists": {
      const present: ValueTest = (value) => value !== undefined;
      return test.wanted
        ? (document) => anyAt(document, parts, 0, present, false)
        : (document) => !anyAt(document, parts, 0, present, false);
    }
    case "size":
    case "elemMatchObject":
    case "elemMatchValue": {
      const leaf = arrayTest(test, expressions);
      return (document) => anyAt(document, parts, 0, leaf, false);
    }
    default: {
      const leaf = valueTest(test);
      const first = parts[0] as PathPart;
      if (parts.length > 1) return (document) => anyAt(document, parts, 0, leaf, true);
      return (document) => {
        const value = getField(document, first.bytes);
        return value !== undefined && value.type === Type.array ? leafAny(value, leaf, true) : leaf(value);
      };
    }
  }
}

type ArrayTest = Extract<Test, { op: "size" | "elemMatchObject" | "elemMatchValue" }>;

function arrayTest(test: ArrayTest, expressions: ExpressionCompiler): ValueTest {
  if (test.op === "size") {
    return (value) => value !== undefined && value.type === Type.array && arrayLength(value) === test.size;
  }
  const element = elementTest(test, expressions);
  return (value) => {
    if (value === undefined || value.type !== Type.array) return false;
    const elements = new Elements(value);
    while (elements.next()) if (element(elements.value())) return true;
    return false;
  };
}

/** The test that one array element must pass for `$elemMatch`. */
export function elementTest(
  test: Extract<Test, { op: "elemMatchObject" | "elemMatchValue" }>,
  expressions: ExpressionCompiler,
): (element: Raw) => boolean {
  if (test.op === "elemMatchObject") {
    const filter = compileFilter(test.filter, expressions);
    return (element) => (element.type === Type.object || element.type === Type.array) && filter(element);
  }
  const tests = test.tests.map((inner) => compileElementTest(inner, expressions));
  return (element) => tests.every((inner) => inner(element));
}

/** A test of a value itself, without following a path: an array is one value, not its elements. */
export function compileElementTest(test: Test, expressions: ExpressionCompiler): (element: Raw) => boolean {
  switch (test.op) {
    case "not": {
      const tests = test.tests.map((inner) => compileElementTest(inner, expressions));
      return (element) => !tests.every((inner) => inner(element));
    }
    case "all": {
      const tests = test.tests.map((inner) => compileElementTest(inner, expressions));
      return (element) => tests.length > 0 && tests.every((inner) => inner(element));
    }
    case "exists":
      return () => test.wanted;
    case "size":
    case "elemMatchObject":
    case "elemMatchValue":
      return arrayTest(test, expressions);
    default:
      return valueTest(test);
  }
}

function arrayLength(array: Raw): number {
  let length = 0;
  const elements = new Elements(array);
  while (elements.next()) length++;
  return length;
}

/**
 * True if the test is true for any value at the path, with MongoDB's rules for arrays. Every element that is a
 * document is entered. A number in the path also means a position. A final array offers its elements (`expandLeaf`)
 * and itself.
 */
function anyAt(
  value: Raw,
  parts: readonly PathPart[],
  at: number,
  test: ValueTest,
  expandLeaf: boolean,
): boolean {
  const part = parts[at] as PathPart;
  if (value.type === Type.object) {
    const found = getField(value, part.bytes);
    if (at === parts.length - 1) {
      return found !== undefined && found.type === Type.array
        ? leafAny(found, test, expandLeaf)
        : test(found);
    }
    return found === undefined ? test(undefined) : anyAt(found, parts, at + 1, test, expandLeaf);
  }
  if (value.type !== Type.array) return test(undefined);
  const elements = new Elements(value);
  let position = 0;
  while (elements.next()) {
    if (elements.type === Type.object && anyAt(elements.value(), parts, at, test, expandLeaf)) return true;
    if (position === part.index) {
      const found = elements.value();
      if (at === parts.length - 1) {
        if (found.type === Type.array ? leafAny(found, test, expandLeaf) : test(found)) return true;
      } else if (found.type === Type.array || found.type === Type.object) {
        if (anyAt(found, parts, at + 1, test, expandLeaf)) return true;
      }
    }
    position++;
  }
  return false;
}

function leafAny(array: Raw, test: ValueTest, expand: boolean): boolean {
  if (expand) {
    const elements = new Elements(array);
    while (elements.next()) if (test(elements.value())) return true;
  }
  return test(array);
}

type LeafTest = Exclude<
  Test,
  { op: "not" | "all" | "exists" | "size" | "elemMatchObject" | "elemMatchValue" }
>;

function valueTest(test: LeafTest): ValueTest {
  switch (test.op) {
    case "eq":
      return equalTest(test.value);
    case "lt":
    case "lte":
    case "gt":
    case "gte":
      return rangeTest(test.op, test.value);
    case "in":
      return inTest(test);
    case "regex": {
      const { pattern } = test;
      return (value) => {
        if (value === undefined) return false;
        if (value.type === Type.string || value.type === Type.symbol) return pattern.test(stringValue(value));
        return (
          value.type === Type.regex &&
          value.buf.toString("utf8", value.start, value.end) === `${pattern.source}\0${pattern.options}\0`
        );
      };
    }
    case "type":
      return (value) => value !== undefined && test.types.has(value.type);
    case "mod":
      return (value) => {
        if (value === undefined || !value.isNumber()) return false;
        const number = numberOf(value);
        return Number.isFinite(number) && BigInt(Math.trunc(number)) % test.divisor === test.remainder;
      };
    case "bits":
      return bitsTest(test.mask, test.mode);
  }
}

function equalTest(wanted: Raw): ValueTest {
  if (wanted.isNullish()) return (value) => value === undefined || value.isNullish();
  const length = wanted.end - wanted.start;
  const exact = wanted.type === Type.string || wanted.type === Type.objectId || wanted.type === Type.bool;
  if (!exact) return (value) => value !== undefined && equalValues(value, wanted);
  return (value) =>
    value !== undefined &&
    (value.type === wanted.type
      ? value.end - value.start === length &&
        value.buf.compare(wanted.buf, wanted.start, wanted.end, value.start, value.end) === 0
      : equalValues(value, wanted));
}

function rangeTest(op: "lt" | "lte" | "gt" | "gte", bound: Raw): ValueTest {
  const inclusive = op === "lte" || op === "gte";
  if (bound.isNullish()) return (value) => inclusive && (value === undefined || value.isNullish());
  if (isNaNValue(bound)) return (value) => inclusive && value !== undefined && isNaNValue(value);
  const anyType = bound.type === Type.minKey || bound.type === Type.maxKey;
  const sign = op === "lt" || op === "lte" ? -1 : 1;
  const type = typeOrder(bound.type);
  return (value) => {
    if (value === undefined) return false;
    if (!anyType && (typeOrder(value.type) !== type || isNaNValue(value))) return false;
    const order = compareValues(value, bound);
    return order === 0 ? inclusive : order < 0 === sign < 0;
  };
}

function inTest(test: Extract<Test, { op: "in" }>): ValueTest {
  const hasNull = test.values.some((value) => value.isNullish());
  const { patterns } = test;
  if (test.values.length <= 8) {
    const tests = test.values.filter((value) => !value.isNullish()).map(equalTest);
    return (value) =>
      value === undefined || value.isNullish()
        ? hasNull
        : tests.some((equals) => equals(value)) || patternMatches(value);
  }
  const keys = new Set(test.values.map((value) => encodeKey(value).toString("latin1")));
  return (value) =>
    value === undefined || value.isNullish()
      ? hasNull
      : keys.has(encodeKey(value).toString("latin1")) || patternMatches(value);

  function patternMatches(value: Raw): boolean {
    return (
      patterns.length > 0 && value.type === Type.string && patterns.some((p) => p.test(stringValue(value)))
    );
  }
}

function bitsTest(mask: bigint, mode: "allSet" | "allClear" | "anySet" | "anyClear"): ValueTest {
  return (value) => {
    const bits = value === undefined ? undefined : bitsOf(value);
    if (bits === undefined) return false;
    const set = bits & mask;
    if (mode === "allSet") return set === mask;
    if (mode === "allClear") return set === 0n;
    return mode === "anySet" ? set !== 0n : set !== mask;
  };
}

function bitsOf(value: Raw): bigint | undefined {
  if (value.type === Type.binary) {
    let bits = 0n;
    const length = int32(value.buf, value.start);
    for (let i = 0; i < length; i++)
      bits |= BigInt(value.buf[value.start + 5 + i] as number) << BigInt(8 * i);
    return bits;
  }
  if (value.type === Type.long) return value.buf.readBigInt64LE(value.start);
  const number = value.isNumber() ? numberOf(value) : Number.NaN;
  return Number.isInteger(number) ? BigInt(number) : undefined;
}

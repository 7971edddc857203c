/** Possible positions in an index of values that satisfy a test. */
import { nullRaw, undefinedRaw } from "../bson/make.ts";
import { type Raw, Type } from "../bson/raw.ts";
import { encodeKey, encodeStringPrefix, invert, successor, typeOrder } from "../key-encoding.ts";
import type { Test } from "../query/ast.ts";

/** A position between keys: before or after all keys that begin with `prefix`. */
export interface Cut {
  readonly prefix: Buffer;
  readonly after: boolean;
}

/** The keys between two cuts, in ascending encoding. */
export interface Interval {
  readonly low: Cut;
  readonly high: Cut;
  /** Complete keys of one value. Not those of a type, or of strings with one beginning, which look alike. */
  readonly point?: true;
}

const endOfKeys = Buffer.from([255]);

/** The cut as the least key behind it. */
export function position(cut: Cut): Buffer {
  if (!cut.after) return cut.prefix;
  return cut.prefix.length === 0 ? endOfKeys : (successor(cut.prefix) ?? endOfKeys);
}

/** The same interval in an index that descends. */
export function descending(interval: Interval): Interval {
  const flipped = { low: flip(interval.high), high: flip(interval.low) };
  return interval.point ? { ...flipped, point: true } : flipped;
}

function flip(cut: Cut): Cut {
  return { prefix: invert(cut.prefix), after: !cut.after };
}

export const isPoint = (interval: Interval): boolean => interval.point === true;

export const everything: Interval = {
  low: { prefix: Buffer.alloc(0), after: false },
  high: { prefix: Buffer.alloc(0), after: true },
};

const under = (prefix: Buffer): Interval => ({
  low: { prefix, after: false },
  high: { prefix, after: true },
});
const ofType = (type: number): Interval => under(Buffer.from([typeOrder(type)]));
const nullish: Interval = {
  low: { prefix: encodeKey(undefinedRaw), after: false },
  high: { prefix: encodeKey(nullRaw), after: true },
};

/**
 * The intervals of all keys of documents that pass the test, sorted and disjoint. Undefined when an index can't use
 * the test.
 */
export function intervalsOf(test: Test): Interval[] | undefined {
  switch (test.op) {
    case "eq":
      return pointOf(test.value);
    case "in": {
      const all: Interval[] = [];
      for (const value of test.values) {
        if (value.type === Type.regex) continue;
        const point = pointOf(value);
        if (point === undefined) return undefined;
        all.push(...point);
      }
      for (const pattern of test.patterns) all.push(...patternIntervals(pattern.prefix));
      return union(all);
    }
    case "lt":
    case "lte":
    case "gt":
    case "gte":
      return rangeOf(test.op, test.value);
    case "regex":
      return patternIntervals(test.pattern.prefix);
    case "exists":
      return test.wanted ? undefined : [nullish];
    case "type":
      if (test.types.has(Type.array) || test.types.has(Type.undefined)) return undefined;
      return union([...test.types].map(ofType));
    case "all":
      return intersectAll(test.tests, false);
    case "elemMatchValue":
      return intersectAll(test.tests, true);
    default:
      return undefined;
  }
}

function pointOf(value: Raw): Interval[] | undefined {
  if (value.isNullish()) return [nullish];
  return value.type === Type.array ? undefined : [{ ...under(encodeKey(value)), point: true }];
}

function patternIntervals(prefix: string | undefined): Interval[] {
  const strings = prefix === undefined ? ofType(Type.string) : under(encodeStringPrefix(prefix));
  return [strings, ofType(Type.regex)];
}

function rangeOf(op: "lt" | "lte" | "gt" | "gte", value: Raw): Interval[] | undefined {
  if (value.isNullish()) return op === "lte" || op === "gte" ? [nullish] : [];
  if (value.type === Type.array || value.type === Type.minKey || value.type === Type.maxKey) return undefined;
  const key = encodeKey(value);
  const type = ofType(value.type);
  if (op === "lt" || op === "lte") return [{ low: type.low, high: { prefix: key, after: op === "lte" } }];
  return [{ low: { prefix: key, after: op === "gt" }, high: type.high }];
}

/** Tests on the same value: all must be true there. Without `together`, only one of them may bound. */
function intersectAll(tests: readonly Test[], together: boolean): Interval[] | undefined {
  let found: Interval[] | undefined;
  for (const test of tests) {
    const intervals = intervalsOf(test);
    if (intervals === undefined) continue;
    if (found === undefined) found = intervals;
    else if (together) found = intersect(found, intervals);
  }
  return found;
}

export function compareCuts(a: Cut, b: Cut): number {
  return position(a).compare(position(b));
}

/** The sorted intervals, with touching or overlapping ones joined. */
export function union(intervals: readonly Interval[]): Interval[] {
  const sorted = [...intervals].sort((a, b) => compareCuts(a.low, b.low) || compareCuts(a.high, b.high));
  const out: Interval[] = [];
  for (const interval of sorted) {
    const last = out[out.length - 1];
    if (last === undefined || compareCuts(interval.low, last.high) >= 0) out.push(interval);
    else if (compareCuts(interval.high, last.high) > 0)
      out[out.length - 1] = { low: last.low, high: interval.high };
  }
  return out;
}

/** The intersection of both lists. */
export function intersect(a: readonly Interval[], b: readonly Interval[]): Interval[] {
  const out: Interval[] = [];
  for (const x of a) {
    for (const y of b) {
      const low = compareCuts(x.low, y.low) >= 0 ? x.low : y.low;
      const high = compareCuts(x.high, y.high) <= 0 ? x.high : y.high;
      if (compareCuts(low, high) >= 0) continue;
      const whole = [x, y].find((it) => it.point && it.low === low && it.high === high);
      out.push(whole ?? { low, high });
    }
  }
  return out;
}

/** True when a document without the field can't pass the test. Then a sparse index contains all matches. */
export function needsField(test: Test): boolean {
  switch (test.op) {
    case "eq":
    case "lte":
    case "gte":
      return !test.value.isNullish();
    case "in":
      return !test.values.some((value) => value.isNullish());
    case "exists":
      return test.wanted;
    case "not":
      return false;
    case "all":
      return test.tests.some(needsField);
    default:
      return true;
  }
}

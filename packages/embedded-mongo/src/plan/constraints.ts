/** The constraints of a filter on single fields, from its conjunction. */
import type { Filter, Test } from "../query/ast.ts";
import { compileElementTest } from "../query/match.ts";
import { compareCuts, type Interval, intersect, intervalsOf, isPoint, needsField } from "./intervals.ts";

/** Tests by dotted path, all of which must be true, and the alternatives of which one must be true. */
export interface Constraints {
  readonly tests: Map<string, Test[]>;
  readonly alternatives: (readonly Filter[])[];
}

export function constraintsOf(filter: Filter): Constraints {
  const found: Constraints = { tests: new Map(), alternatives: [] };
  collect(filter, "", found);
  return found;
}

function collect(filter: Filter, under: string, found: Constraints): void {
  if (filter.kind === "and") for (const part of filter.filters) collect(part, under, found);
  else if (filter.kind === "or" && under === "") {
    if (filter.filters.length === 1) collect(filter.filters[0] as Filter, under, found);
    else found.alternatives.push(filter.filters);
  } else if (filter.kind === "field") {
    const path = under + filter.path.text;
    if (filter.test.op === "elemMatchObject") collect(filter.test.filter, `${path}.`, found);
    else if (filter.test.op === "all") for (const test of filter.test.tests) collectTest(path, test, found);
    else collectTest(path, filter.test, found);
  }
}

function collectTest(path: string, test: Test, found: Constraints): void {
  if (test.op === "elemMatchObject") collect(test.filter, `${path}.`, found);
  else {
    const tests = found.tests.get(path);
    if (tests === undefined) found.tests.set(path, [test]);
    else tests.push(test);
  }
}

/** Both sets of constraints together. */
export function both(a: Constraints, b: Constraints): Constraints {
  const tests = new Map(a.tests);
  for (const [path, more] of b.tests) tests.set(path, [...(tests.get(path) ?? []), ...more]);
  return { tests, alternatives: b.alternatives };
}

/**
 * Possible keys of a field. With arrays (`multikey`), two elements may meet two tests, so only the narrowest test
 * bounds.
 */
export function fieldIntervals(tests: readonly Test[], multikey: boolean): Interval[] | undefined {
  let found: Interval[] | undefined;
  for (const test of tests) {
    const intervals = intervalsOf(test);
    if (intervals === undefined) continue;
    if (found === undefined) found = intervals;
    else if (!multikey) found = intersect(found, intervals);
    else if (tighter(intervals, found)) found = intervals;
  }
  return found;
}

function tighter(a: readonly Interval[], b: readonly Interval[]): boolean {
  const points = (intervals: readonly Interval[]) => intervals.every(isPoint);
  if (points(a) !== points(b)) return points(a);
  return a.length < b.length;
}

/** True when every document that meets the constraints matches a partial index's filter. */
export function implies(constraints: Constraints, partial: Filter): boolean {
  if (partial.kind === "constant") return partial.value;
  if (partial.kind === "and") return partial.filters.every((part) => implies(constraints, part));
  if (partial.kind === "or") return partial.filters.some((part) => implies(constraints, part));
  if (partial.kind !== "field") return false;
  const tests = constraints.tests.get(partial.path.text) ?? [];
  return tests.some((test) => impliesTest(test, partial.test));
}

const noExpressions = () => () => false;

function impliesTest(known: Test, wanted: Test): boolean {
  if (wanted.op === "exists" && wanted.wanted) return needsField(known);
  if (known.op === "eq")
    return !known.value.isNullish() && compileElementTest(wanted, noExpressions)(known.value);
  if (known.op === "in") {
    const holds = compileElementTest(wanted, noExpressions);
    return known.patterns.length === 0 && known.values.every((value) => !value.isNullish() && holds(value));
  }
  if (known.op === "exists") return wanted.op === "exists" && wanted.wanted === known.wanted;
  const outer = intervalsOf(wanted);
  const inner = intervalsOf(known);
  if (outer === undefined || inner === undefined || !["lt", "lte", "gt", "gte", "type"].includes(wanted.op))
    return false;
  if (wanted.op === "type" && !["lt", "lte", "gt", "gte", "type"].includes(known.op)) return false;
  if (wanted.op === "type" && known.op !== "type" && [1, 16, 18, 19].some((type) => wanted.types.has(type))) {
    return [1, 16, 18, 19].every((type) => wanted.types.has(type)) && within(inner, outer);
  }
  if (wanted.op === "type" && known.op === "type")
    return [...known.types].every((type) => wanted.types.has(type));
  return within(inner, outer);
}

function within(inner: readonly Interval[], outer: readonly Interval[]): boolean {
  return inner.every((x) =>
    outer.some((y) => compareCuts(y.low, x.low) <= 0 && compareCuts(x.high, y.high) <= 0),
  );
}

/** Ranges of an index's keys that contain every document which meets the constraints. */
import type { Index } from "../storage/index.ts";
import { both, type Constraints, constraintsOf, fieldIntervals } from "./constraints.ts";
import { descending, everything, type Interval, isPoint, position } from "./intervals.ts";

/** Keys `k` with `low ≤ k < high`. */
export interface Range {
  readonly low: Buffer;
  readonly high: Buffer;
  /** Contains the key `low` only: one value for each field. */
  readonly point?: true;
}

export interface Bounds {
  /** Sorted, without overlap. */
  readonly ranges: readonly Range[];
  /** How many leading fields have one value, the same in every range. */
  readonly fixed: number;
  /** How many leading fields are bounded at all. */
  readonly bounded: number;
}

/** The fields of an index in order, as far as the planner needs them. Includes `_id`. */
export interface Ordered {
  readonly fields: Index["fields"];
  /** Bit `i` is set for a field that may hold arrays. */
  readonly multikey: number;
}

export const holdsArrays = (index: Ordered, field: number): boolean => ((index.multikey >> field) & 1) === 1;

const mostRanges = 2000;
const everyKey: Range = { low: Buffer.alloc(0), high: Buffer.from([255]) };

export const unbounded: Bounds = { ranges: [everyKey], fixed: 0, bounded: 0 };

/** Bounds from the plain constraints and, where that narrows them, from one `$or` among them. */
export function boundsOf(index: Ordered, constraints: Constraints): Bounds {
  const plain = plainBounds(index, constraints);
  for (const branches of constraints.alternatives) {
    if (branches.length > 100) continue;
    const ranges: Range[] = [];
    let bounded = Number.POSITIVE_INFINITY;
    for (const branch of branches) {
      const one = plainBounds(index, both(constraints, constraintsOf(branch)));
      bounded = Math.min(bounded, one.bounded);
      ranges.push(...one.ranges);
    }
    if (bounded > plain.fixed && ranges.length <= mostRanges) {
      return { ranges: merge(ranges), fixed: plain.fixed, bounded };
    }
  }
  return plain;
}

function plainBounds(index: Ordered, constraints: Constraints): Bounds {
  let prefixes: Buffer[] = [Buffer.alloc(0)];
  let fixed = 0;
  let bounded = 0;
  const roots = new Set<string>();
  for (const [i, field] of index.fields.entries()) {
    const tests = constraints.tests.get(field.path.text);
    const root = field.path.parts[0]?.text ?? "";
    // Two fields of one array: a document may meet two constraints with two elements, which no single key shows.
    if (tests === undefined || (index.multikey !== 0 && roots.has(root))) break;
    roots.add(root);
    const found = fieldIntervals(tests, holdsArrays(index, i));
    if (found === undefined || found.length * prefixes.length > mostRanges) break;
    const intervals = field.descending ? found.map(descending).reverse() : found;
    bounded++;
    if (!intervals.every(isPoint)) return { ranges: withIntervals(prefixes, intervals), fixed, bounded };
    if (intervals.length === 1 && fixed === bounded - 1) fixed = bounded;
    prefixes = prefixes.flatMap((prefix) =>
      intervals.map((point) => Buffer.concat([prefix, point.low.prefix])),
    );
  }
  if (bounded === 0) return unbounded;
  const ranges = withIntervals(prefixes, [everything]);
  return {
    ranges: bounded === index.fields.length ? ranges.map((it) => ({ ...it, point: true })) : ranges,
    fixed,
    bounded,
  };
}

function withIntervals(prefixes: readonly Buffer[], intervals: readonly Interval[]): Range[] {
  return prefixes.flatMap((prefix) =>
    intervals.map(({ low, high }) => ({
      low: Buffer.concat([prefix, position(low)]),
      high: Buffer.concat([prefix, position(high)]),
    })),
  );
}

function merge(ranges: Range[]): Range[] {
  ranges.sort((a, b) => a.low.compare(b.low));
  const out: Range[] = [];
  for (const range of ranges) {
    const last = out[out.length - 1];
    if (last === undefined || range.low.compare(last.high) > 0) out.push(range);
    else if (range.high.compare(last.high) > 0) out[out.length - 1] = { low: last.low, high: range.high };
  }
  return out;
}

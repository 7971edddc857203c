/** Chooses how to find the documents of a query: by `_id`, through one or several indexes, or by a full scan. */

import { StoreError } from "../errors.ts";
import { parsePath } from "../path.ts";
import type { Filter, TextSearch } from "../query/ast.ts";
import type { Collection } from "../storage/collection.ts";
import type { Index } from "../storage/index.ts";
import { type Bounds, boundsOf, holdsArrays, type Ordered, type Range } from "./bounds.ts";
import { both, type Constraints, constraintsOf, implies } from "./constraints.ts";
import { needsField } from "./intervals.ts";
import { countRanges } from "./scan.ts";

export interface SortField {
  readonly path: ReturnType<typeof parsePath>;
  readonly descending: boolean;
}

export type Plan =
  | { readonly kind: "scan"; readonly backward: boolean }
  | {
      readonly kind: "index";
      /** Undefined for the index on `_id`. */
      readonly index: Index | undefined;
      readonly ranges: readonly Range[];
      readonly backward: boolean;
      /** True when documents come in the requested order. */
      readonly sorted: boolean;
    }
  | { readonly kind: "union"; readonly plans: readonly Plan[] }
  | { readonly kind: "text"; readonly index: Index; readonly search: TextSearch };

export interface PlanOptions {
  readonly sort: readonly SortField[];
  readonly limit: number;
  /** An index by name, or by the fields of its key pattern. `$natural` asks for a scan. */
  readonly hint: Index | "_id_" | "$natural" | undefined;
}

interface Candidate {
  readonly index: Index | undefined;
  readonly bounds: Bounds;
  readonly order: "forward" | "backward" | undefined;
}

const idIndex: Ordered = { fields: [{ path: parsePath("_id"), descending: false }], multikey: 0 };
/** Number of entries that are counted to compare two indexes. */
const countLimit = 1000;

export function plan(collection: Collection, filter: Filter, options: PlanOptions): Plan {
  const text = findText(filter);
  if (text !== undefined) {
    if (options.hint !== undefined) throw new StoreError(2, "text and hint not allowed in same query");
    return planText(collection, filter, text);
  }
  if (options.hint === "$natural") return { kind: "scan", backward: false };
  const constraints = constraintsOf(filter);
  const candidates: Candidate[] = [];
  for (const index of [undefined, ...collection.indexes]) {
    if (index !== undefined && !usable(index, constraints, options)) continue;
    if (
      options.hint !== undefined &&
      (options.hint === "_id_" ? index !== undefined : options.hint !== index)
    )
      continue;
    const ordered = index ?? idIndex;
    const bounds = boundsOf(ordered, constraints);
    const order = sortOrder(ordered, bounds, options.sort);
    const wanted = options.hint !== undefined || (index?.partial !== undefined && options.sort.length === 0);
    if (bounds.bounded > 0 || order !== undefined || wanted) candidates.push({ index, bounds, order });
  }
  const best = choose(collection, candidates, options);
  if (options.hint === undefined && (best === undefined || best.bounds.bounded === 0)) {
    const union = planUnion(collection, constraints, options);
    if (union !== undefined) return union;
  }
  if (best === undefined) return { kind: "scan", backward: false };
  const sorted = options.sort.length > 0 && best.order !== undefined;
  return {
    kind: "index",
    index: best.index,
    ranges: best.bounds.ranges,
    backward: best.order === "backward",
    sorted,
  };
}

function usable(index: Index, constraints: Constraints, options: PlanOptions): boolean {
  if (index.text || (index.hidden && options.hint !== index)) return false;
  if (index.partial && !implies(constraints, index.partial)) return false;
  if (!index.sparse || options.hint === index) return true;
  return index.fields.some((field) => constraints.tests.get(field.path.text)?.some(needsField));
}

/** In which direction an index gives sorted documents. */
function sortOrder(
  index: Ordered,
  bounds: Bounds,
  sort: readonly SortField[],
): "forward" | "backward" | undefined {
  if (sort.length === 0 || !oneKeyEach(index, bounds, sort)) return undefined;
  let direction: "forward" | "backward" | undefined;
  let at = 0;
  for (const field of sort) {
    const fixedAt = index.fields.findIndex(
      (candidate, i) => i < bounds.fixed && candidate.path.text === field.path.text,
    );
    while (at < bounds.fixed && index.fields[at]?.path.text !== field.path.text) at++;
    const found = index.fields[at];
    if (found === undefined || found.path.text !== field.path.text) {
      if (fixedAt >= 0) continue;
      return undefined;
    }
    const wanted = found.descending === field.descending ? "forward" : "backward";
    if (at >= bounds.fixed) {
      if (direction !== undefined && direction !== wanted) return undefined;
      direction = wanted;
    }
    at++;
  }
  return direction ?? "forward";
}

/**
 * Whether each document occurs once, at the place of its values. Arrays may occur only in fields with one value, and
 * not among the sort fields. An array sorts by its least element.
 */
function oneKeyEach(index: Ordered, bounds: Bounds, sort: readonly SortField[]): boolean {
  return index.fields.every(
    (field, i) =>
      !holdsArrays(index, i) ||
      (i < bounds.fixed && !sort.some((sorted) => sorted.path.text === field.path.text)),
  );
}

function choose(
  collection: Collection,
  candidates: Candidate[],
  options: PlanOptions,
): Candidate | undefined {
  if (candidates.length < 2) return candidates[0];
  const total = collection.estimate();
  const counts = candidates.map((candidate) =>
    candidate.bounds.bounded === 0 && !candidate.index?.partial
      ? total
      : countRanges(collection, candidate.index, candidate.bounds.ranges, countLimit) || 0,
  );
  const matching = Math.min(...counts);
  let best: Candidate | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i] as Candidate;
    const count =
      (counts[i] as number) >= countLimit ? Math.max(total / 2, countLimit) : (counts[i] as number);
    let cost = count;
    if (options.sort.length > 0) {
      if (candidate.order === undefined) cost *= 1.5;
      else if (options.limit > 0) cost = Math.min(count, (options.limit * count) / Math.max(1, matching));
    }
    cost -= candidate.bounds.bounded / 1000 + candidate.bounds.fixed / 500;
    if (cost < least) {
      least = cost;
      best = candidate;
    }
  }
  return best;
}

/** `$or` whose branches each have an index. */
function planUnion(collection: Collection, constraints: Constraints, options: PlanOptions): Plan | undefined {
  for (const branches of constraints.alternatives) {
    const plans: Plan[] = [];
    for (const branch of branches) {
      const narrowed = both(constraints, constraintsOf(branch));
      const candidates = [undefined, ...collection.indexes]
        .filter((index) => index === undefined || usable(index, narrowed, options))
        .map(
          (index): Candidate => ({ index, bounds: boundsOf(index ?? idIndex, narrowed), order: undefined }),
        )
        .filter((candidate) => candidate.bounds.bounded > 0);
      const best = choose(collection, candidates, { sort: [], limit: 0, hint: undefined });
      if (best === undefined) break;
      plans.push({
        kind: "index",
        index: best.index,
        ranges: best.bounds.ranges,
        backward: false,
        sorted: false,
      });
    }
    if (plans.length === branches.length) return { kind: "union", plans };
  }
  return undefined;
}

export function findText(filter: Filter): TextSearch | undefined {
  if (filter.kind === "text") return filter.search;
  if (filter.kind !== "and") return undefined;
  for (const part of filter.filters) {
    const found = findText(part);
    if (found !== undefined) return found;
  }
  return undefined;
}

function planText(collection: Collection, filter: Filter, search: TextSearch): Plan {
  const index = collection.indexes.find((candidate) => candidate.text);
  if (index?.partial && !implies(constraintsOf(filter), index.partial))
    throw new StoreError(291, "the text index is partial and may lack documents that the query wants");
  if (index === undefined) throw new StoreError(27, "text index required for $text query");
  return { kind: "text", index, search };
}

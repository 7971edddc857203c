/** Runs a query: plan, read, filter, sort, skip, limit. */
import { fields, getField, numberOf, type Raw, stringValue, Type } from "../bson/raw.ts";
import { badValue, StoreError } from "../errors.ts";
import { encodeCompound } from "../key-encoding.ts";
import { parsePath } from "../path.ts";
import type { Filter } from "../query/ast.ts";
import { constantFilter, type Deadline, isTurnOver, type Pause, pause } from "../query/deadline.ts";
import { compileFilter, type ExpressionCompiler } from "../query/match.ts";
import { filterReads } from "../query/reads.ts";
import { byKey, Sorter } from "../query/sorter.ts";
import { textMatch } from "../query/text.ts";
import { sortKey } from "../query/values.ts";
import type { Collection } from "../storage/collection.ts";
import { Guard } from "../storage/guard.ts";
import type { Index } from "../storage/index.ts";
import type { Stored } from "../storage/stored.ts";
import { type Plan, plan, type SortField } from "./planner.ts";
import { type Counters, RangeScan, type Source, TableScan, Union } from "./scan.ts";
import { TextScan } from "./text-scan.ts";

export interface QueryOptions {
  readonly filter: Filter;
  readonly sort: readonly SortField[];
  readonly skip: number;
  /** 0 for no limit. */
  readonly limit: number;
  readonly hint: Index | "_id_" | "$natural" | undefined;
  readonly expressions: ExpressionCompiler;
  readonly deadline: Deadline;
  /** True for reading in reverse table order (`$natural: -1`). */
  readonly backward?: boolean;
}

/** Documents in sequence, with pauses between them. */
export interface Rows {
  next(): Stored | Pause | undefined;
  /** Drops data that was read ahead. `next` continues normally. */
  release(): void;
}

/** A running query. */
export interface Run extends Rows {
  readonly plan: Plan;
  readonly counters: Counters;
  /** Text scores by row, for a `$text` query. Those of all rows, once there is a first document. */
  readonly scores: ReadonlyMap<number, number> | undefined;
}

/** Bytes of keys that a sort may hold in memory: MongoDB's limit for a blocking sort. */
const sortMemory = 100 * 1024 * 1024;

type StoredMatcher = (stored: Stored) => boolean;

/** The predicate of a filter on stored documents. It reads only what it needs. */
export function storedMatcher(filter: Filter, expressions: ExpressionCompiler): StoredMatcher {
  const matches = compileFilter(filter, expressions);
  const reads = filterReads(filter);
  return (stored) => matches(stored.within(reads));
}

/** Starts a query on a collection. */
export function run(collection: Collection, options: QueryOptions): Run {
  const counters: Counters = { keys: 0, documents: 0 };
  const chosen = plan(collection, options.filter, options);
  const source = open(collection, chosen, counters, options);
  const scores = source instanceof TextScan ? source.scores : undefined;
  const matches = constantFilter(options.filter)
    ? undefined
    : storedMatcher(options.filter, options.expressions);
  const filtered = new Filtered(source, matches, options.deadline);
  const sorted = options.sort.length === 0 || (chosen.kind === "index" && chosen.sorted);
  const ordered = sorted ? filtered : new Sorted(collection, filtered, matches, options);
  const part =
    options.skip > 0 || options.limit > 0 ? new Slice(ordered, options.skip, options.limit) : ordered;
  return { plan: chosen, counters, scores, next: () => part.next(), release: () => part.release() };
}

function open(collection: Collection, chosen: Plan, counters: Counters, options: QueryOptions): Source {
  switch (chosen.kind) {
    case "scan":
      return new TableScan(collection, counters, options.backward ?? chosen.backward);
    case "index":
      return new RangeScan(collection, chosen.index, chosen.ranges, chosen.backward, counters);
    case "union":
      return new Union(chosen.plans.map((inner) => open(collection, inner, counters, options)));
    case "text":
      return new TextScan(collection, chosen.index, textMatch(chosen.search), counters);
  }
}

class Filtered implements Rows {
  private readonly source: Source;
  private readonly matches: StoredMatcher | undefined;
  private readonly deadline: Deadline;

  constructor(source: Source, matches: StoredMatcher | undefined, deadline: Deadline) {
    this.source = source;
    this.matches = matches;
    this.deadline = deadline;
  }

  next(): Stored | Pause | undefined {
    while (true) {
      if (isTurnOver()) {
        this.source.release();
        return pause;
      }
      const found = this.source.next();
      if (found === undefined || found === pause) return found;
      this.deadline.check();
      if (this.matches === undefined || this.matches(found)) return found;
    }
  }

  release(): void {
    this.source.release();
  }
}

class Slice implements Rows {
  private readonly source: Rows;
  private skip: number;
  private left: number;

  constructor(source: Rows, skip: number, limit: number) {
    this.source = source;
    this.skip = skip;
    this.left = limit === 0 ? Number.POSITIVE_INFINITY : limit;
  }

  next(): Stored | Pause | undefined {
    if (this.left <= 0) return undefined;
    while (true) {
      const found = this.source.next();
      if (found === undefined || found === pause) return found;
      if (this.skip > 0) this.skip--;
      else {
        this.left--;
        return found;
      }
    }
  }

  release(): void {
    this.source.release();
  }
}

interface SortRow {
  readonly key: Buffer;
  readonly rid: number;
}

/** Sorts by keys in memory and keeps only row ids. With a limit, only the best ones. */
class Sorted implements Rows {
  private readonly collection: Collection;
  private readonly source: Rows;
  private readonly matches: StoredMatcher | undefined;
  private readonly options: QueryOptions;
  private readonly sorter: Sorter<SortRow>;
  private readonly descending: readonly boolean[];
  private gathered = false;
  /** Other commands have run since the first document was read, so results may have changed. */
  private paused = false;
  private readonly guard: Guard;

  constructor(
    collection: Collection,
    source: Rows,
    matches: StoredMatcher | undefined,
    options: QueryOptions,
  ) {
    this.collection = collection;
    this.source = source;
    this.matches = matches;
    this.guard = new Guard(collection, undefined);
    this.options = options;
    this.descending = options.sort.map((field) => field.descending);
    const keep = options.limit > 0 ? options.skip + options.limit : Number.POSITIVE_INFINITY;
    this.sorter = new Sorter<SortRow>(byKey, keep, (row) => row.key.length + 48);
  }

  next(): Stored | Pause | undefined {
    while (!this.gathered) {
      const found = this.source.next();
      if (found === undefined) this.gathered = true;
      else if (found !== pause) this.add(found);
      else {
        this.paused = true;
        return pause;
      }
    }
    while (true) {
      if (isTurnOver()) {
        this.paused = true;
        return pause;
      }
      this.options.deadline.check();
      const row = this.sorter.next();
      if (row === undefined) return undefined;
      this.guard.check();
      const found = this.collection.byRow(row.rid);
      if (found !== undefined && (!this.paused || (this.matches?.(found) ?? true))) return found;
    }
  }

  private add(stored: Stored): void {
    const { rid } = stored;
    const document = stored.within(this.options.sort.map(({ path }) => path));
    const values = this.options.sort.map(({ path, descending }) => sortKey(document, path, descending));
    this.sorter.add({ key: encodeCompound(values, this.descending), rid });
    if (this.sorter.bytes <= sortMemory) return;
    throw new StoreError(
      292,
      `Executor error during find command :: caused by :: Sort exceeded memory limit of ${sortMemory} bytes, but did not opt in to external sorting.`,
    );
  }

  release(): void {
    // The client is away between two batches, and others write meanwhile.
    this.paused = true;
    this.source.release();
  }
}

/**
 * Parses a sort document. `{$meta: "textScore"}` is dropped, and must be last, because text results come best first.
 * @param text true where the query has a `$text`
 */
export function parseSort(spec: Raw | undefined, text = false): SortField[] {
  if (spec === undefined) return [];
  if (spec.type !== Type.object) throw new StoreError(14, "Expected field sort to be of type object");
  const sort: SortField[] = [];
  const parts = fields(spec);
  for (const [i, [name, value]] of parts.entries()) {
    if (value.type === Type.object) {
      const meta = fields(value)[0];
      if (meta?.[0] !== "$meta" || meta[1].type !== Type.string || fields(value).length !== 1)
        throw badValue(`Illegal key in $sort specification: ${name}`);
      if (stringValue(meta[1]) !== "textScore")
        throw badValue(`Illegal $meta sort: $meta: "${stringValue(meta[1])}"`);
      if (!text) throw new StoreError(40218, "query requires text score metadata, but it is not available");
      if (i < parts.length - 1)
        throw new StoreError(238, "a sort by text score and then by more is not supported by this store");
      continue;
    }
    const direction = value.isNumber() ? numberOf(value) : 0;
    if (direction !== 1 && direction !== -1)
      throw new StoreError(15975, "$sort key ordering must be 1 (for ascending) or -1 (for descending)");
    if (name === "$natural") {
      if (parts.length > 1) throw badValue("Cannot include '$natural' in compound sort");
      if (text) throw badValue("text expression not allowed in sort with $natural");
      continue;
    }
    if (name.startsWith("$")) throw new StoreError(16410, "FieldPath field names may not start with '$'.");
    if (name.split(".").includes(""))
      throw new StoreError(15998, "FieldPath field names may not be empty strings.");
    sort.push({ path: parsePath(name), descending: direction === -1 });
  }
  if (sort.length > 32) throw badValue("too many fields in a sort: 32 at most");
  return sort;
}

/** True for `{$natural: -1}`, as a sort or a hint. */
function naturalBackward(spec: Raw | undefined): boolean {
  const natural = spec?.type === Type.object ? getField(spec, naturalName) : undefined;
  return natural?.isNumber() === true && numberOf(natural) < 0;
}

/** True for a sort or hint in table order. */
function isNatural(spec: Raw | undefined): boolean {
  return spec?.type === Type.object && getField(spec, naturalName) !== undefined;
}

const naturalName = Buffer.from("$natural");

/** Parses table order and hints: the query options that all commands share. */
export function accessOptions(
  sort: Raw | undefined,
  hint: Raw | undefined,
  collection: Collection | undefined,
): Pick<QueryOptions, "hint" | "backward"> {
  const natural = isNatural(sort) || isNatural(hint);
  const backward = naturalBackward(sort) || naturalBackward(hint);
  return { hint: natural ? "$natural" : parseHint(hint, collection), backward };
}

/** The index that a hint names. */
function parseHint(
  hint: Raw | undefined,
  collection: Collection | undefined,
): Index | "_id_" | "$natural" | undefined {
  if (hint === undefined || collection === undefined) return undefined;
  if (hint.type === Type.string) {
    const name = stringValue(hint);
    if (name === "_id_") return "_id_";
    const found = collection.indexes.find((index) => index.name === name);
    if (found !== undefined) return found;
  } else if (hint.type === Type.object) {
    const wanted = fields(hint).map(([name, value]) => `${name}:${value.isNumber() ? numberOf(value) : ""}`);
    if (wanted.length === 0) return undefined;
    if (wanted[0]?.startsWith("$natural:")) return "$natural";
    if (wanted.join() === "_id:1") return "_id_";
    const found = collection.indexes.find(
      (index) =>
        fields(index.key)
          .map(([name, value]) => `${name}:${value.isNumber() ? numberOf(value) : ""}`)
          .join() === wanted.join(),
    );
    if (found !== undefined) return found;
  }
  throw badValue("error processing query: planner returned error: bad hint");
}

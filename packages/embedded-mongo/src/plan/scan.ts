/**
 * Reads documents in the order of a table or index, a chunk at a time. A scan holds no open statement. It continues
 * from its last key, so writes may happen between two calls.
 */
import { toBuffer } from "../bson/raw.ts";
import { type Pause, pause } from "../query/deadline.ts";
import type { Collection } from "../storage/collection.ts";
import type { Database, Statement } from "../storage/database.ts";
import { Guard } from "../storage/guard.ts";
import type { Index } from "../storage/index.ts";
import type { Stored } from "../storage/stored.ts";
import type { Range } from "./bounds.ts";

/** How much was read, for `explain`. */
export interface Counters {
  keys: number;
  documents: number;
}

/** Documents in sequence. Sources that read much before their first one make pauses. */
export interface Source {
  next(): Stored | Pause | undefined;
  /** Drops data that was read ahead. `next` continues normally. */
  release(): void;
}

const firstChunk = 16;
const largestChunk = 256;
const chunkBytes = 2 * 1024 * 1024;

type Row = [rid: number, doc: Uint8Array, key: Uint8Array];

const statements = new WeakMap<Database, Map<string, Statement<readonly unknown[]>>>();

function statement<R extends readonly unknown[]>(database: Database, sql: string): Statement<R> {
  let known = statements.get(database);
  if (known === undefined) {
    known = new Map();
    statements.set(database, known);
  }
  let found = known.get(sql);
  if (found === undefined) {
    found = database.rows<R>(sql);
    if (known.size > 500) known.clear();
    known.set(sql, found);
  }
  return found as Statement<R>;
}

/** All documents in the order they were inserted. */
export class TableScan implements Source {
  private readonly collection: Collection;
  private readonly counters: Counters;
  private readonly backward: boolean;
  private rows: Row[] = [];
  private at = 0;
  private last: number;
  private chunk = firstChunk;
  private done = false;
  private readonly guard: Guard;

  constructor(collection: Collection, counters: Counters, backward: boolean) {
    this.guard = new Guard(collection, undefined);
    this.collection = collection;
    this.counters = counters;
    this.backward = backward;
    this.last = backward ? Number.MAX_SAFE_INTEGER : -1;
  }

  next(): Stored | undefined {
    if (this.at >= this.rows.length && !this.fetch()) return undefined;
    const [rid, doc] = this.rows[this.at++] as Row;
    this.last = rid;
    this.counters.documents++;
    return this.collection.stored(rid, doc);
  }

  private fetch(): boolean {
    if (this.done) return false;
    this.guard.check();
    const { table, database } = this.collection;
    const where = this.backward ? "rid < ? ORDER BY rid DESC" : "rid > ? ORDER BY rid";
    const sql = `SELECT rid, doc FROM ${table} WHERE ${where} LIMIT ?`;
    this.rows = statement<Row>(database, sql).all(this.last, this.chunk);
    this.at = 0;
    if (this.rows.length < this.chunk) this.done = true;
    this.chunk = nextChunk(this.chunk, this.rows);
    return this.rows.length > 0;
  }

  release(): void {
    if (this.at < this.rows.length) this.done = false;
    this.rows = [];
    this.at = 0;
  }
}

/** Documents by ranges of an index (or of `_id`), in key order. */
export class RangeScan implements Source {
  private readonly collection: Collection;
  private readonly index: Index | undefined;
  private readonly ranges: readonly Range[];
  private readonly backward: boolean;
  private readonly counters: Counters;
  private readonly seen: Set<number> | undefined;
  private rows: Row[] = [];
  private at = 0;
  private range = 0;
  private last: { key: Buffer; rid: number } | undefined;
  private chunk = firstChunk;
  private drained = false;
  private readonly guard: Guard;

  constructor(
    collection: Collection,
    index: Index | undefined,
    ranges: readonly Range[],
    backward: boolean,
    counters: Counters,
  ) {
    this.collection = collection;
    this.index = index;
    this.ranges = backward ? [...ranges].reverse() : ranges;
    this.backward = backward;
    this.counters = counters;
    this.seen = index?.multikey ? new Set() : undefined;
    this.guard = new Guard(collection, index);
  }

  next(): Stored | undefined {
    while (true) {
      if (this.at >= this.rows.length && !this.fetch()) return undefined;
      const [rid, doc, key] = this.rows[this.at++] as Row;
      this.last = { key: toBuffer(key), rid };
      this.counters.keys++;
      if (this.seen !== undefined) {
        if (this.seen.has(rid)) continue;
        this.seen.add(rid);
      }
      this.counters.documents++;
      return this.collection.stored(rid, doc);
    }
  }

  private fetch(): boolean {
    this.guard.check();
    while (this.range < this.ranges.length) {
      if (this.drained) {
        this.range++;
        this.drained = false;
        this.last = undefined;
        continue;
      }
      const { low, high, point } = this.ranges[this.range] as Range;
      if (point && this.index === undefined) {
        this.drained = true;
        const found = this.collection.rowOf(low);
        if (found === undefined) continue;
        this.rows = [[...found, low]];
        this.at = 0;
        return true;
      }
      const from = this.last ?? { key: this.backward ? high : low, rid: -1 };
      const until = this.backward ? low : high;
      const sql = rangeSql(this.collection, this.index, this.backward);
      this.rows = statement<Row>(this.collection.database, sql).all(from.key, from.rid, until, this.chunk);
      this.at = 0;
      if (this.rows.length < this.chunk) this.drained = true;
      this.chunk = nextChunk(this.chunk, this.rows);
      if (this.rows.length > 0) return true;
    }
    return false;
  }

  release(): void {
    if (this.at < this.rows.length) this.drained = false;
    this.rows = [];
    this.at = 0;
  }
}

function rangeSql(collection: Collection, index: Index | undefined, backward: boolean): string {
  const [after, until, order] = backward ? ["<", ">=", "DESC"] : [">", "<", "ASC"];
  if (index === undefined) {
    return `SELECT rid, doc, id FROM ${collection.table} WHERE (id, rid) ${after} (?, ?) AND id ${until} ? ORDER BY id ${order} LIMIT ?`;
  }
  return (
    `SELECT i.rid, d.doc, i.k FROM ${index.table} i CROSS JOIN ${collection.table} d ON d.rid = i.rid ` +
    `WHERE (i.k, i.rid) ${after} (?, ?) AND i.k ${until} ? ORDER BY i.k ${order}, i.rid ${order} LIMIT ?`
  );
}

function nextChunk(chunk: number, rows: readonly Row[]): number {
  if (rows.length === 0) return chunk;
  let bytes = 0;
  for (const row of rows) bytes += row[1].byteLength;
  const fitting = Math.floor((chunkBytes / bytes) * rows.length);
  return Math.max(1, Math.min(largestChunk, chunk * 4, fitting));
}

/** Entries in the ranges, counted up to a limit. */
export function countRanges(
  collection: Collection,
  index: Index | undefined,
  ranges: readonly Range[],
  limit: number,
): number {
  const [table, key] = index === undefined ? [collection.table, "id"] : [index.table, "k"];
  const count = statement<[number]>(
    collection.database,
    `SELECT count(*) FROM (SELECT 1 FROM ${table} WHERE ${key} >= ? AND ${key} < ? LIMIT ?)`,
  );
  let total = 0;
  for (const { low, high } of ranges) {
    total += count.get(low, high, limit - total)?.[0] ?? 0;
    if (total >= limit) return total;
  }
  return total;
}

/** Several sources as one. A document of two sources occurs once. */
export class Union implements Source {
  private readonly sources: readonly Source[];
  private readonly seen = new Set<number>();
  private at = 0;

  constructor(sources: readonly Source[]) {
    this.sources = sources;
  }

  next(): Stored | Pause | undefined {
    while (this.at < this.sources.length) {
      const found = this.sources[this.at]?.next();
      if (found === pause) return pause;
      if (found === undefined) this.at++;
      else if (!this.seen.has(found.rid)) {
        this.seen.add(found.rid);
        return found;
      }
    }
    return undefined;
  }

  release(): void {
    for (const source of this.sources) source.release();
  }
}

/**
 * The documents of one collection by row: whole, or, where they are large, with their large objects stored
 * separately.
 */
import { type Raw, rawDocument, toBuffer } from "../bson/raw.ts";
import { overlap, type Path } from "../path.ts";
import { isTurnOver, isTurnOverNow, type Work } from "../query/deadline.ts";
import type { Reads } from "../query/reads.ts";
import type { Database } from "./database.ts";
import type { KeysAfter } from "./document-count.ts";
import type { IndexBuilds } from "./index-build.ts";
import { Excerpt } from "./parts/excerpt.ts";
import { largeObjects, mostObjects } from "./parts/large-objects.ts";
import { decodeLayout, encodeLayout, isLayout, type Layout, valueAt, withoutFields } from "./parts/layout.ts";
import { partsOf } from "./parts/part.ts";
import type { PartTable } from "./parts/part-table.ts";
import { SplitDocument } from "./parts/split-document.ts";
import type { Sizes } from "./sizes.ts";
import { type Stored, WholeDocument } from "./stored.ts";

/** Where documents are stored, in addition to their own table. */
export interface Storage {
  readonly database: Database;
  readonly parts: PartTable;
  readonly builds: IndexBuilds;
  readonly sizes: Sizes;
}

/** Rows whose sizes are added in one step, which takes half a millisecond. */
const sizedAtOnce = 500;

type SizesAfter = [bytes: number, last: number | null];

export class Documents {
  private readonly collection: number;
  readonly storage: Storage;
  private statements: ReturnType<typeof prepare> | undefined;

  constructor(storage: Storage, collection: number) {
    this.storage = storage;
    this.collection = collection;
  }

  get table(): string {
    return `d${this.collection}`;
  }

  private get sql(): ReturnType<typeof prepare> {
    this.statements ??= prepare(this.storage.database, this.table);
    return this.statements;
  }

  /** The document of a table row. */
  stored(rid: number, row: Uint8Array): Stored {
    const bytes = toBuffer(row);
    if (!isLayout(bytes)) return new WholeDocument(rid, rawDocument(bytes));
    return new SplitDocument(
      this.storage.database,
      this.collection,
      rid,
      decodeLayout(bytes),
      this.storage.parts,
    );
  }

  /** The row with this key of an `_id`. */
  rowOf(key: Buffer): [rid: number, row: Uint8Array] | undefined {
    return this.sql.byId.get(key);
  }

  byRow(rid: number): Stored | undefined {
    const row = this.sql.byRow.get(rid);
    return row && this.stored(rid, row[0]);
  }

  /** At most `limit` documents of the rows after `rid`, in order. */
  after(rid: number, limit: number): Stored[] {
    return this.sql.after.all(rid, limit).map(([at, bytes]) => this.stored(at, bytes));
  }

  /** How many keys of `_id` there are after one, up to a limit, and the last of these. */
  readonly keysAfter: KeysAfter = (key, limit) => {
    const [n, last] = this.sql.keysAfter.get(key, limit) ?? [0, null];
    return [n, last === null ? undefined : toBuffer(last)];
  };

  /** The rows from the first to the last. Some of them may be free. */
  span(): number {
    const [first, last] = this.sql.ends.get() ?? [null, null];
    return first === null || last === null ? 0 : last - first + 1;
  }

  /** Bytes of all documents. */
  *sizing(): Work<number> {
    let bytes = 0;
    let rid: number | null = -1;
    while (rid !== null) {
      const [more, last]: SizesAfter = this.sql.sizesAfter.get(rid, sizedAtOnce) ?? [0, null];
      bytes += more;
      rid = last;
      if (isTurnOverNow()) yield;
    }
    for (const split of this.storage.parts.documents(this.collection)) {
      const row = this.sql.byRow.get(split);
      if (row !== undefined) bytes += decodeLayout(toBuffer(row[0])).size - row[0].byteLength;
      if (isTurnOver()) yield;
    }
    return bytes;
  }

  /** @returns the new row; undefined where the key exists */
  insert(key: Buffer, document: Raw): number | undefined {
    const made = this.sql.insert.run(key, document.bytes());
    return made.changes === 0 ? undefined : Number(made.lastInsertRowid);
  }

  remove(stored: Stored): void {
    this.sql.remove.run(stored.rid);
    if (stored instanceof SplitDocument) this.storage.parts.clear(this.collection, stored.rid);
  }

  /**
   * Stores the new form of a document.
   * @param reach what the update may have changed; undefined for everything, after which the document is stored whole
   * @param indexed what indexes read: no object there is stored separately. Called only for large documents.
   */
  replace(stored: Stored, document: Raw, reach: Reads, indexed: () => Reads): void {
    const { rid } = stored;
    if (stored instanceof SplitDocument) this.storage.parts.clear(this.collection, rid);
    const layout = { size: document.end - document.start, objects: [], outline: document };
    this.put(rid, this.split(rid, layout, reach, indexed));
  }

  /**
   * The part of a large document that an update works on, where it needs no more. This requires that it changes no
   * whole object that is stored separately, and that no index reads these objects.
   */
  excerptOf(stored: Stored, reach: Reads, indexed: () => Reads): Excerpt | undefined {
    if (!(stored instanceof SplitDocument) || reach === undefined) return undefined;
    const read = indexed();
    if (read === undefined || stored.reachesInto(read)) return undefined;
    return Excerpt.of(stored, reach, this.storage.parts);
  }

  /** Stores the changed excerpt. */
  replaceExcerpt({ rid }: Stored, excerpt: Excerpt, next: Raw, reach: Reads, indexed: () => Reads): void {
    const layout = excerpt.save(next);
    if (layout.size >= this.storage.sizes.joined) {
      this.put(rid, this.split(rid, layout, reach, indexed));
      return;
    }
    const small = new SplitDocument(this.storage.database, this.collection, rid, layout, this.storage.parts);
    this.replace(small, small.document, undefined, indexed);
  }

  private put(rid: number, layout: Layout): void {
    const whole = layout.objects.length === 0;
    this.sql.replace.run(whole ? layout.outline.bytes() : encodeLayout(layout), rid);
  }

  /**
   * Moves large objects out of the outline. Not those that the update writes as a whole, because it may do so again.
   */
  private split(rid: number, layout: Layout, reach: Reads, indexed: () => Reads): Layout {
    const { sizes, parts } = this.storage;
    const { outline, objects, size } = layout;
    if (reach === undefined || outline.end - outline.start < sizes.document) return layout;
    const read = indexed();
    if (read === undefined) return layout;
    const allowed = (path: Path): boolean =>
      !read.some((other) => overlap(other, path)) &&
      !reach.some((other) => other.parts.length <= path.parts.length && overlap(other, path));
    const found = largeObjects(outline, sizes, allowed).slice(0, mostObjects - objects.length);
    const added = found.map((path, i) => {
      const fields = partsOf(valueAt(outline, path));
      parts.fill({ collection: this.collection, rid, object: objects.length + i }, fields);
      return { path, next: fields.length };
    });
    return { size, objects: [...objects, ...added], outline: withoutFields(outline, found) };
  }
}

function prepare(database: Database, table: string) {
  const rows = <R extends readonly unknown[] = []>(sql: string) => database.rows<R>(sql);
  return {
    byId: rows<[rid: number, doc: Uint8Array]>(`SELECT rid, doc FROM ${table} WHERE id = ?`),
    byRow: rows<[doc: Uint8Array]>(`SELECT doc FROM ${table} WHERE rid = ?`),
    after: rows<[rid: number, doc: Uint8Array]>(
      `SELECT rid, doc FROM ${table} WHERE rid > ? ORDER BY rid LIMIT ?`,
    ),
    insert: rows(`INSERT INTO ${table} (id, doc) VALUES (?, ?) ON CONFLICT DO NOTHING`),
    replace: rows(`UPDATE ${table} SET doc = ? WHERE rid = ?`),
    remove: rows(`DELETE FROM ${table} WHERE rid = ?`),
    keysAfter: rows<[n: number, last: Uint8Array | null]>(
      `SELECT count(*), max(id) FROM (SELECT id FROM ${table} WHERE id > ? ORDER BY id LIMIT ?)`,
    ),
    ends: rows<[first: number | null, last: number | null]>(
      `SELECT (SELECT min(rid) FROM ${table}), (SELECT max(rid) FROM ${table})`,
    ),
    sizesAfter: rows<SizesAfter>(
      `SELECT coalesce(sum(length(doc)), 0), max(rid) FROM (SELECT rid, doc FROM ${table} WHERE rid > ? ORDER BY rid LIMIT ?)`,
    ),
  };
}

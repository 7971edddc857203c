/** One collection: documents by row, `_id` and indexes, kept consistent. */
import type { Binary } from "bson";
import { nullRaw } from "../bson/make.ts";
import { getField, type Raw, toJs } from "../bson/raw.ts";
import { StoreError } from "../errors.ts";
import { encodeKey } from "../key-encoding.ts";
import { isTurnOverNow, type Work } from "../query/deadline.ts";
import { type Reads, together } from "../query/reads.ts";
import type { Database } from "./database.ts";
import { DocumentCount } from "./document-count.ts";
import { Documents, type Storage } from "./documents.ts";
import { Guard } from "./guard.ts";
import { DuplicateKey, type Index } from "./index.ts";
import type { IndexBuilds } from "./index-build.ts";
import type { Excerpt } from "./parts/excerpt.ts";
import { show } from "./show.ts";
import type { Stored } from "./stored.ts";

export interface CollectionInfo {
  readonly id: number;
  readonly db: string;
  readonly name: string;
  readonly options: Raw;
  readonly uuid: Binary;
}

/** Where an update may have changed a document. Undefined means anywhere. */
export interface Change {
  /** The paths that it names. */
  readonly reach: Reads;
  /** The top-level fields of these. */
  readonly fields: ReadonlySet<string> | undefined;
}

/** MongoDB's largest document. */
export const maxDocumentSize = 16 * 1024 * 1024;
export const idName = Buffer.from("_id");

/** How often an estimate is used before it is made again. */
const estimateUses = 100;

export class Collection {
  readonly id: number;
  db: string;
  name: string;
  readonly options: Raw;
  readonly uuid: Binary;
  readonly indexes: Index[] = [];
  /** Indexes that do not have all documents yet: they are written to, not read. */
  readonly building: Index[] = [];
  readonly database: Database;
  private readonly documents: Documents;
  private readonly builds: IndexBuilds;
  private readonly counted: DocumentCount;
  private span = 0;
  private estimates = 0;

  constructor(storage: Storage, info: CollectionInfo) {
    this.database = storage.database;
    this.documents = new Documents(storage, info.id);
    this.builds = storage.builds;
    this.counted = this.newCount();
    this.id = info.id;
    this.db = info.db;
    this.name = info.name;
    this.options = info.options;
    this.uuid = info.uuid;
  }

  get table(): string {
    return this.documents.table;
  }

  /** Those that are used, and those that are being built. */
  get allIndexes(): readonly Index[] {
    return [...this.indexes, ...this.building];
  }

  get namespace(): string {
    return `${this.db}.${this.name}`;
  }

  rename(db: string, name: string): void {
    this.db = db;
    this.name = name;
  }

  /** Number of documents. They are counted once, or, where another connection writes, each time. */
  *counting(): Work<number> {
    const count = this.database.readOnly ? this.newCount() : this.counted;
    const guard = new Guard(this, undefined);
    while (count.known === undefined) {
      guard.check();
      count.step(this.documents.keysAfter);
      if (count.known === undefined && isTurnOverNow()) yield;
    }
    return count.known;
  }

  private newCount(): DocumentCount {
    return new DocumentCount(this.database, this.documents.storage.sizes.counted);
  }

  /** About how many documents there are. */
  estimate(): number {
    const { known } = this.counted;
    if (known !== undefined) return known;
    if (this.estimates++ % estimateUses === 0) this.span = this.documents.span();
    return this.span;
  }

  /** The document of a table row. */
  stored(rid: number, row: Uint8Array): Stored {
    return this.documents.stored(rid, row);
  }

  /** Looks a document up by the key of its `_id`. */
  byId(key: Buffer): Stored | undefined {
    const row = this.documents.rowOf(key);
    return row && this.documents.stored(...row);
  }

  rowOf(key: Buffer): [rid: number, row: Uint8Array] | undefined {
    return this.documents.rowOf(key);
  }

  byRow(rid: number): Stored | undefined {
    return this.documents.byRow(rid);
  }

  /** Stores a new document with an `_id`. Throws E11000. */
  insert(document: Raw): void {
    checkSize(document.end - document.start);
    const id = getField(document, idName) ?? nullRaw;
    const key = encodeKey(id);
    const rid = this.documents.insert(key, document);
    if (rid === undefined) throw this.duplicate(undefined, document);
    this.enter(this.indexesWith(rid), rid, document);
    this.counted.changed(1, () => key);
  }

  /** Stores the new form of a document. */
  replace(stored: Stored, document: Raw, change: Change): void {
    checkSize(document.end - document.start);
    const before = stored.document;
    this.documents.replace(stored, document, change.reach, this.indexed);
    this.reindex(stored.rid, before, document, change);
  }

  /** The part of a split document that an update needs. Undefined where it needs all of it. */
  excerptOf(stored: Stored, { reach }: Change): Excerpt | undefined {
    return this.documents.excerptOf(stored, reach, this.indexed);
  }

  /** Stores the new form of an excerpt. */
  replaceExcerpt(stored: Stored, excerpt: Excerpt, next: Raw, change: Change): void {
    checkSize(excerpt.sizeWith(next));
    this.documents.replaceExcerpt(stored, excerpt, next, change.reach, this.indexed);
    this.reindex(stored.rid, excerpt.document, next, change);
  }

  /** What indexes read of a document. */
  private readonly indexed = (): Reads => together(...this.allIndexes.map((index) => index.reads));

  /** Indexes that have to have the document of a row: those being built come to later rows by themselves. */
  private indexesWith(rid: number): readonly Index[] {
    if (this.building.length === 0) return this.indexes;
    return [...this.indexes, ...this.building.filter((index) => this.builds.of(index.id)?.takes(rid))];
  }

  private reindex(rid: number, before: Raw, after: Raw, { fields }: Change): void {
    try {
      for (const index of this.indexesWith(rid)) {
        if (fields !== undefined && index.untouchedBy(fields)) continue;
        index.replace(rid, before, after);
      }
    } catch (error) {
      throw this.explain(error, after);
    }
  }

  remove(stored: Stored): void {
    const document = stored.within(this.indexed());
    this.documents.remove(stored);
    for (const index of this.indexesWith(stored.rid)) index.remove(stored.rid, document);
    this.counted.changed(-1, () => encodeKey(getField(document, idName) ?? nullRaw));
  }

  /** Goes on with the build of an index for one turn; true when it has all documents. */
  build(index: Index): boolean {
    const build = this.builds.of(index.id);
    if (build === undefined) throw new Error(`index ${index.id} is not being built`);
    try {
      return build.advance(index, this.documents);
    } catch (error) {
      const stored = error instanceof DuplicateKey ? this.byRow(build.at) : undefined;
      throw stored === undefined ? error : this.explain(error, stored.document);
    }
  }

  private enter(indexes: readonly Index[], rid: number, document: Raw): void {
    try {
      for (const index of indexes) index.add(rid, document);
    } catch (error) {
      throw this.explain(error, document);
    }
  }

  /** Bytes of all documents. */
  *sizing(): Work<number> {
    const guard = new Guard(this, undefined);
    const work = this.documents.sizing();
    while (true) {
      guard.check();
      const step = work.next();
      if (step.done) return step.value;
      yield;
    }
  }

  private explain(error: unknown, document: Raw): unknown {
    return error instanceof DuplicateKey ? this.duplicate(error.index, document) : error;
  }

  private duplicate(index: Index | undefined, document: Raw): StoreError {
    const values: [string, Raw][] = index?.valuesOf(document) ?? [
      ["_id", getField(document, idName) ?? nullRaw],
    ];
    const pattern = index ? toJs(index.key) : { _id: 1 };
    const shown = values.map(([name, value]) => `${name}: ${show(value)}`).join(", ");
    return new StoreError(
      11000,
      `E11000 duplicate key error collection: ${this.namespace} index: ${index?.name ?? "_id_"} dup key: { ${shown} }`,
      {
        keyPattern: pattern,
        keyValue: Object.fromEntries(values.map(([name, value]) => [name, toJs(value)])),
      },
    );
  }
}

/** Refuses documents larger than MongoDB's largest. */
export function checkSize(size: number): void {
  if (size > maxDocumentSize) {
    throw new StoreError(
      10334,
      `BSONObj size: ${size} (0x${size.toString(16).toUpperCase()}) is invalid. Size must be between 0 and 16793600(16MB)`,
    );
  }
}

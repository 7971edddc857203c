/** One collection: documents by row, `_id` and indexes, kept together. */
import type { StatementSync } from "node:sqlite";
import type { Binary } from "bson";
import { nullRaw } from "../bson/make.ts";
import { getField, type Raw, rawDocument, toBuffer, toJs } from "../bson/raw.ts";
import { StoreError } from "../errors.ts";
import { encodeKey } from "../key-encoding.ts";
import { checkTime } from "../query/deadline.ts";
import type { Database } from "./database.ts";
import { DuplicateKey, type Index } from "./index.ts";
import { show } from "./show.ts";

/** A stored document and the row that it is in. */
export interface Stored {
  readonly rid: number;
  readonly document: Raw;
}

export interface CollectionInfo {
  readonly id: number;
  readonly db: string;
  readonly name: string;
  readonly options: Raw;
  readonly uuid: Binary;
}

/** A paused command whose collection or index others have dropped. */
export const planKilled = (): StoreError =>
  new StoreError(175, "query plan killed: the collection or index was dropped or changed meanwhile");

/** Largest document that MongoDB stores. */
export const maxDocumentSize = 16 * 1024 * 1024;
export const idName = Buffer.from("_id");

export class Collection {
  readonly id: number;
  db: string;
  name: string;
  readonly options: Raw;
  readonly uuid: Binary;
  readonly indexes: Index[] = [];
  readonly database: Database;
  private counted: number | undefined;
  private statements: ReturnType<typeof prepare> | undefined;

  constructor(database: Database, info: CollectionInfo) {
    this.database = database;
    this.id = info.id;
    this.db = info.db;
    this.name = info.name;
    this.options = info.options;
    this.uuid = info.uuid;
  }

  get table(): string {
    return `d${this.id}`;
  }

  get namespace(): string {
    return `${this.db}.${this.name}`;
  }

  rename(db: string, name: string): void {
    this.db = db;
    this.name = name;
  }

  private get sql(): ReturnType<typeof prepare> {
    this.statements ??= prepare(this.database, this.table);
    return this.statements;
  }

  /** Number of documents; counted once, then kept. */
  count(): number {
    this.counted ??= Number((this.sql.count.get() as unknown as [number])[0]);
    return this.counted;
  }

  /** Forgets what may have been undone. */
  afterRollback(): void {
    this.counted = undefined;
    for (const index of this.indexes) index.afterRollback();
  }

  /** Looks a document up by the key of its `_id`. */
  byId(key: Buffer): Stored | undefined {
    const row = this.sql.byId.get(key) as unknown as [number, Uint8Array] | undefined;
    return row && { rid: row[0], document: rawDocument(toBuffer(row[1])) };
  }

  byRow(rid: number): Stored | undefined {
    const row = this.sql.byRow.get(rid) as unknown as [Uint8Array] | undefined;
    return row && { rid, document: rawDocument(toBuffer(row[0])) };
  }

  /** Stores a new document, which has an `_id`. Throws E11000. */
  insert(document: Raw): void {
    checkSize(document);
    const id = getField(document, idName) ?? nullRaw;
    const made = this.sql.insert.run(encodeKey(id), document.bytes());
    if (made.changes === 0) throw this.duplicate(undefined, document);
    const rid = Number(made.lastInsertRowid);
    try {
      for (const index of this.indexes) index.add(rid, document);
    } catch (error) {
      throw this.explain(error, document);
    }
    if (this.counted !== undefined) this.counted++;
  }

  /**
   * Stores the new form of a document. `changed` names the top-level fields that may differ; indexes over
   * others are left alone.
   */
  replace(stored: Stored, document: Raw, changed: ReadonlySet<string> | undefined): void {
    checkSize(document);
    this.sql.replace.run(document.bytes(), stored.rid);
    try {
      for (const index of this.indexes) {
        if (changed !== undefined && index.untouchedBy(changed)) continue;
        index.replace(stored.rid, stored.document, document);
      }
    } catch (error) {
      throw this.explain(error, document);
    }
  }

  remove(stored: Stored): void {
    this.sql.remove.run(stored.rid);
    for (const index of this.indexes) index.remove(stored.rid, stored.document);
    if (this.counted !== undefined) this.counted--;
  }

  /** Enters every document into a new index. */
  fill(index: Index): void {
    let last = -1;
    while (true) {
      checkTime();
      const rows = this.sql.after.all(last, 200) as unknown as [number, Uint8Array][];
      for (const [rid, bytes] of rows) {
        const document = rawDocument(toBuffer(bytes));
        try {
          index.add(rid, document);
        } catch (error) {
          throw this.explain(error, document);
        }
        last = rid;
      }
      if (rows.length < 200) return;
    }
  }

  /** Bytes of all documents together. */
  size(): number {
    return Number((this.sql.size.get() as unknown as [number | null])[0] ?? 0);
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

function checkSize(document: Raw): void {
  const size = document.end - document.start;
  if (size > maxDocumentSize) {
    throw new StoreError(
      10334,
      `BSONObj size: ${size} (0x${size.toString(16).toUpperCase()}) is invalid. Size must be between 0 and 16793600(16MB)`,
    );
  }
}

function prepare(database: Database, table: string) {
  const rows = (sql: string): StatementSync => {
    const statement = database.sql.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  };
  return {
    byId: rows(`SELECT rid, doc FROM ${table} WHERE id = ?`),
    byRow: rows(`SELECT doc FROM ${table} WHERE rid = ?`),
    after: rows(`SELECT rid, doc FROM ${table} WHERE rid > ? ORDER BY rid LIMIT ?`),
    insert: rows(`INSERT INTO ${table} (id, doc) VALUES (?, ?) ON CONFLICT DO NOTHING`),
    replace: rows(`UPDATE ${table} SET doc = ? WHERE rid = ?`),
    remove: rows(`DELETE FROM ${table} WHERE rid = ?`),
    count: rows(`SELECT count(*) FROM ${table}`),
    size: rows(`SELECT sum(length(doc)) FROM ${table}`),
  };
}

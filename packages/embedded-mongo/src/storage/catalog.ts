/** The collections and indexes, stored in SQLite and mirrored in memory. */
import { randomUUID } from "node:crypto";
import { Binary } from "bson";
import { encode } from "../bson/make.ts";
import { getField, type Raw, rawDocument, stringValue, toBuffer } from "../bson/raw.ts";
import { StoreError } from "../errors.ts";
import { Collection } from "./collection.ts";
import type { Database } from "./database.ts";
import type { Storage } from "./documents.ts";
import { Index } from "./index.ts";
import { IndexBuilds } from "./index-build.ts";
import { PartTable } from "./parts/part-table.ts";
import type { Sizes } from "./sizes.ts";

/** Names of databases and collections, and their contents. */
export class Catalog {
  private readonly database: Database;
  private readonly storage: Storage;
  readonly builds: IndexBuilds;
  private readonly collections = new Map<string, Collection>();
  private version: number | undefined;

  constructor(database: Database, sizes: Sizes) {
    this.database = database;
    const parts = new PartTable(database, sizes.row);
    this.builds = new IndexBuilds(database, sizes.sorted);
    this.storage = { database, parts, builds: this.builds, sizes };
    database.define(`
      CREATE TABLE IF NOT EXISTS collections (
        id INTEGER PRIMARY KEY, db TEXT NOT NULL, name TEXT NOT NULL, options BLOB NOT NULL, uuid BLOB NOT NULL,
        UNIQUE (db, name)
      );
      CREATE TABLE IF NOT EXISTS indexes (
        id INTEGER PRIMARY KEY, collection INTEGER NOT NULL, name TEXT NOT NULL, spec BLOB NOT NULL,
        multikey INTEGER NOT NULL DEFAULT 0, UNIQUE (collection, name)
      )`);
    this.load();
    if (!database.readOnly) this.dropUnfinished();
  }

  /** Indexes whose builds an earlier run of the store has not finished. No client was told that they exist. */
  private dropUnfinished(): void {
    if (this.all().every((collection) => collection.building.length === 0)) return;
    this.database.begin();
    for (const collection of this.all())
      for (const index of [...collection.building]) this.dropIndex(collection, index);
    this.database.commit();
  }

  /** Reads everything again where another connection has changed it. */
  refresh(): void {
    if (this.database.storedVersion() !== this.version) this.load();
  }

  /** Reads everything again. Needed after a rollback that undid changes of the catalogue. */
  load(): void {
    this.database.generation++;
    this.version = this.database.storedVersion();
    this.collections.clear();
    const { sql } = this.database;
    for (const row of sql.prepare("SELECT id, db, name, options, uuid FROM collections").all()) {
      const collection = new Collection(this.storage, {
        id: Number(row.id),
        db: String(row.db),
        name: String(row.name),
        options: rawDocument(toBuffer(row.options as Uint8Array)),
        uuid: new Binary(row.uuid as Uint8Array, Binary.SUBTYPE_UUID),
      });
      const found = sql
        .prepare("SELECT id, spec, multikey FROM indexes WHERE collection = ? ORDER BY id")
        .all(collection.id);
      for (const { id, spec, multikey } of found) {
        const raw = rawDocument(toBuffer(spec as Uint8Array));
        const index = new Index(this.database, Number(id), raw, Number(multikey));
        const unfinished = this.builds.isUnfinished(index.id);
        (unfinished ? collection.building : collection.indexes).push(index);
      }
      this.collections.set(`${collection.db}.${collection.name}`, collection);
    }
  }

  find(db: string, name: string): Collection | undefined {
    return this.collections.get(`${db}.${name}`);
  }

  /** The collection, created if missing, as writes do. */
  ensure(db: string, name: string): Collection {
    return this.find(db, name) ?? this.create(db, name);
  }

  create(db: string, name: string, options: Raw = encode({})): Collection {
    checkNames(db, name);
    this.database.catalogChanges();
    const uuid = new Binary(Buffer.from(randomUUID().replaceAll("-", ""), "hex"), Binary.SUBTYPE_UUID);
    const { sql } = this.database;
    const made = sql
      .prepare("INSERT INTO collections (db, name, options, uuid) VALUES (?, ?, ?, ?)")
      .run(db, name, options.bytes(), uuid.buffer);
    const id = Number(made.lastInsertRowid);
    sql.exec(`CREATE TABLE d${id} (rid INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, doc BLOB NOT NULL)`);
    const collection = new Collection(this.storage, { id, db, name, options, uuid });
    this.collections.set(`${db}.${name}`, collection);
    return collection;
  }

  drop(collection: Collection): void {
    this.database.generation++;
    this.database.catalogChanges();
    const { sql } = this.database;
    for (const index of collection.allIndexes) this.dropIndex(collection, index);
    sql.exec(`DROP TABLE d${collection.id}`);
    this.storage.parts.drop(collection.id);
    sql.prepare("DELETE FROM collections WHERE id = ?").run(collection.id);
    this.collections.delete(`${collection.db}.${collection.name}`);
  }

  rename(collection: Collection, db: string, name: string): void {
    checkNames(db, name);
    this.database.catalogChanges();
    this.database.sql
      .prepare("UPDATE collections SET db = ?, name = ? WHERE id = ?")
      .run(db, name, collection.id);
    this.collections.delete(`${collection.db}.${collection.name}`);
    collection.rename(db, name);
    this.collections.set(`${db}.${name}`, collection);
  }

  /** Adds an index without documents, which is to be built before it is used ({@link finishIndex}). */
  beginIndex(collection: Collection, spec: Raw): Index {
    const { sql } = this.database;
    const name = stringValue(getField(spec, Buffer.from("name")) as Raw);
    const made = sql
      .prepare("INSERT INTO indexes (collection, name, spec) VALUES (?, ?, ?)")
      .run(collection.id, name, spec.bytes());
    const copy = rawDocument(Buffer.from(spec.bytes()));
    const index = new Index(this.database, Number(made.lastInsertRowid), copy, 0);
    index.createTable();
    this.builds.begin(index.id);
    collection.building.push(index);
    return index;
  }

  /** The index has all documents: from now on it is used. */
  finishIndex(collection: Collection, index: Index): void {
    this.database.catalogChanges();
    this.builds.end(index.id);
    collection.building.splice(collection.building.indexOf(index), 1);
    collection.indexes.push(index);
  }

  dropIndex(collection: Collection, index: Index): void {
    this.database.generation++;
    this.database.catalogChanges();
    index.dropTable();
    this.builds.end(index.id);
    this.database.sql.prepare("DELETE FROM indexes WHERE id = ?").run(index.id);
    const list = collection.building.includes(index) ? collection.building : collection.indexes;
    list.splice(list.indexOf(index), 1);
  }

  /** A collection under whatever name it has by now. */
  byId(id: number): Collection | undefined {
    return this.all().find((collection) => collection.id === id);
  }

  /** Replaces the stored description of an index (`collMod`). */
  changeIndex(collection: Collection, index: Index, spec: Raw): void {
    const copy = rawDocument(Buffer.from(spec.bytes()));
    this.database.catalogChanges();
    this.database.sql.prepare("UPDATE indexes SET spec = ? WHERE id = ?").run(copy.bytes(), index.id);
    const changed = new Index(this.database, index.id, copy, index.multikey);
    collection.indexes.splice(collection.indexes.indexOf(index), 1, changed);
  }

  all(): Collection[] {
    return [...this.collections.values()];
  }

  inDatabase(db: string): Collection[] {
    return this.all()
      .filter((collection) => collection.db === db)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  databases(): string[] {
    return [...new Set(this.all().map((collection) => collection.db))].sort();
  }
}

/** Refuses names that MongoDB refuses. */
export function checkNames(db: string, name: string): void {
  if (db === "" || /[/\\. "$\0]/.test(db) || Buffer.byteLength(db) > 63) {
    throw new StoreError(73, `Invalid database name: '${db}'`);
  }
  if (
    name === "" ||
    name.startsWith(".") ||
    name.endsWith(".") ||
    /[$\0]/.test(name) ||
    name.startsWith("system.")
  ) {
    throw new StoreError(73, `Invalid namespace specified '${db}.${name}'`);
  }
  if (Buffer.byteLength(`${db}.${name}`) > 255) {
    throw new StoreError(73, `Fully qualified namespace is too long. Namespace: ${db}.${name} Max: 255`);
  }
}

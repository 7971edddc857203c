/** One index: an ordered SQLite table from encoded keys to row ids. */
import type { StatementSync } from "node:sqlite";
import { nullRaw } from "../bson/make.ts";
import { fields, isEmptyDocument, numberOf, type Raw, stringValue, Type, truthy } from "../bson/raw.ts";
import { StoreError } from "../errors.ts";
import { type Path, parsePath } from "../path.ts";
import type { Filter } from "../query/ast.ts";
import { compileFilter, type Matcher } from "../query/match.ts";
import { parseFilter } from "../query/parse.ts";
import { filterReads, type Reads, together } from "../query/reads.ts";
import { firstAt } from "../query/values.ts";
import type { Database, Mirror } from "./database.ts";
import { indexKeys, type KeyShape } from "./index-keys.ts";
import { TextTable } from "./text-table.ts";

export interface IndexField {
  readonly path: Path;
  readonly descending: boolean;
}

/** A unique key that already exists. */
export class DuplicateKey extends Error {
  readonly index: Index | undefined;

  constructor(index: Index | undefined) {
    super("duplicate key");
    this.index = index;
  }
}

type Statements = Record<"insert" | "remove" | "owner", StatementSync>;

export class Index {
  readonly id: number;
  readonly spec: Raw;
  readonly name: string;
  readonly key: Raw;
  readonly fields: readonly IndexField[];
  readonly unique: boolean;
  readonly sparse: boolean;
  readonly hidden: boolean;
  /** The filter of a partial index. */
  readonly partial: Filter | undefined;
  /** Seconds after which a TTL index removes documents. */
  readonly expireAfterSeconds: number | undefined;
  /** Set for a text index. */
  readonly text: TextTable | undefined;
  /** Bit `i` is set when some document has, or had, an array on the way to field `i`. */
  multikey: number;
  /** The bits that are stored. */
  private readonly saved: Mirror;
  private readonly included: Matcher | undefined;
  private readonly shape: KeyShape;
  /** Every path of a document that determines its keys. */
  readonly reads: Reads;
  private readonly database: Database;
  private statements: Statements | undefined;

  constructor(database: Database, id: number, spec: Raw, multikey: number) {
    this.database = database;
    this.id = id;
    this.spec = spec;
    this.multikey = multikey;
    this.saved = { state: multikey };
    const options = new Map(fields(spec));
    const key = options.get("key");
    const name = options.get("name");
    if (key === undefined || name === undefined) throw new Error(`index ${id} has no key or name`);
    this.key = key;
    this.name = stringValue(name);
    const ordered = fields(key).filter(
      ([, order]) => order.type !== Type.string || stringValue(order) === "hashed",
    );
    this.text = ordered.length < fields(key).length ? new TextTable(database, id, spec) : undefined;
    this.fields = this.text ? [] : ordered.map(([path, order]) => indexField(path, order));
    this.unique = truthy(options.get("unique"));
    this.sparse = truthy(options.get("sparse"));
    this.hidden = truthy(options.get("hidden"));
    const partial = options.get("partialFilterExpression");
    this.partial = partial === undefined || isEmptyDocument(partial) ? undefined : parseFilter(partial);
    this.included = this.partial && compileFilter(this.partial);
    const ttl = options.get("expireAfterSeconds");
    this.expireAfterSeconds = ttl === undefined ? undefined : numberOf(ttl);
    this.shape = {
      paths: this.fields.map((field) => field.path.parts),
      descending: this.fields.map((field) => field.descending),
    };
    this.reads = together(
      (this.text ?? this).fields.map((field) => field.path),
      this.partial ? filterReads(this.partial) : [],
    );
  }

  get table(): string {
    return `i${this.id}`;
  }

  createTable(): void {
    if (this.text) {
      this.text.create();
      return;
    }
    const primary = this.unique ? "k" : "k, rid";
    this.database.sql.exec(
      `CREATE TABLE ${this.table} (k BLOB NOT NULL, rid INTEGER NOT NULL, PRIMARY KEY (${primary})) WITHOUT ROWID`,
    );
  }

  dropTable(): void {
    if (this.text) this.text.drop();
    else this.database.sql.exec(`DROP TABLE ${this.table}`);
  }

  /** True when a change of these top-level fields can't change the document's keys. */
  untouchedBy(changed: ReadonlySet<string>): boolean {
    return this.reads !== undefined && !this.reads.some((path) => changed.has(path.parts[0]?.text ?? ""));
  }

  /** Adds a document. Throws {@link DuplicateKey}. */
  add(rid: number, document: Raw): void {
    if (!this.text) this.insertKeys(rid, this.keysFor(document));
    else if (!this.included || this.included(document)) this.text.add(rid, document);
  }

  /** The keys under which a document is to be entered. */
  keysFor(document: Raw): readonly Buffer[] {
    return !this.included || this.included(document) ? this.keysOf(document) : [];
  }

  /** Enters a row under one of its keys. Throws {@link DuplicateKey}. */
  enter(rid: number, key: Buffer): void {
    const { insert, owner } = this.prepared();
    if (insert.run(key, rid).changes > 0 || !this.unique) return;
    if (Number(owner.get(key)?.rid) !== rid) throw new DuplicateKey(this);
  }

  remove(rid: number, document: Raw): void {
    if (this.included && !this.included(document)) return;
    if (this.text) {
      this.text.remove(rid);
      return;
    }
    const { remove } = this.prepared();
    for (const key of indexKeys(document, this.shape, this.sparse).keys) remove.run(key, rid);
  }

  /** Moves a document from its old keys to its new ones. Only differing keys are touched. */
  replace(rid: number, before: Raw, after: Raw): void {
    if (this.text) {
      this.remove(rid, before);
      this.add(rid, after);
      return;
    }
    const old =
      !this.included || this.included(before) ? indexKeys(before, this.shape, this.sparse).keys : [];
    const next = this.keysFor(after);
    const { remove } = this.prepared();
    for (const key of old) if (!next.some((other) => other.equals(key))) remove.run(key, rid);
    const fresh = old.length === 0 ? next : next.filter((key) => !old.some((other) => other.equals(key)));
    this.insertKeys(rid, fresh);
  }

  private keysOf(document: Raw): Buffer[] {
    const found = indexKeys(document, this.shape, this.sparse);
    if ((found.multikey & ~this.saved.state) !== 0) {
      this.multikey |= found.multikey;
      // What is in memory stays when this is undone, which is safe.
      this.database.changing(this.saved);
      this.saved.state = this.multikey;
      this.database.catalogChanges();
      this.database.sql.prepare("UPDATE indexes SET multikey = ? WHERE id = ?").run(this.multikey, this.id);
    }
    return found.keys;
  }

  private insertKeys(rid: number, keys: readonly Buffer[]): void {
    for (const key of keys) this.enter(rid, key);
  }

  private prepared(): Statements {
    const { sql } = this.database;
    this.statements ??= {
      insert: sql.prepare(`INSERT INTO ${this.table} (k, rid) VALUES (?, ?) ON CONFLICT DO NOTHING`),
      remove: sql.prepare(`DELETE FROM ${this.table} WHERE k = ? AND rid = ?`),
      owner: sql.prepare(`SELECT rid FROM ${this.table} WHERE k = ?`),
    };
    return this.statements;
  }

  /** The values of the index's fields, for the message of a duplicate key. */
  valuesOf(document: Raw): [string, Raw][] {
    return this.fields.map(({ path }) => [path.text, firstAt(document, path) ?? nullRaw]);
  }
}

function indexField(path: string, order: Raw): IndexField {
  if (!order.isNumber()) throw new StoreError(67, `Unknown index plugin '${stringValue(order)}'`);
  return { path: parsePath(path), descending: numberOf(order) < 0 };
}

/** A text index: an FTS5 table of the words of the indexed fields. One column per field, so that weights work. */
import type { StatementSync } from "node:sqlite";
import { fields, numberOf, type Raw, stringValue, Type } from "../bson/raw.ts";
import { StoreError } from "../errors.ts";
import { type Path, parsePath } from "../path.ts";
import { eachValue } from "../query/values.ts";
import type { Database, Statement } from "./database.ts";

interface TextField {
  readonly path: Path;
  readonly weight: number;
}

export type TextHit = [rid: number, score: number];

export class TextTable {
  readonly fields: readonly TextField[];
  private readonly database: Database;
  private readonly table: string;
  private statements: { insert: StatementSync; remove: StatementSync } | undefined;
  private found: Statement<TextHit> | undefined;

  constructor(database: Database, id: number, spec: Raw) {
    this.database = database;
    this.table = `t${id}`;
    const options = new Map(fields(spec));
    const weights = new Map(options.get("weights") ? fields(options.get("weights") as Raw) : []);
    const key = options.get("key");
    const names =
      key === undefined
        ? []
        : fields(key).filter(([, order]) => order.type === Type.string && stringValue(order) === "text");
    const all = new Set([...names.map(([name]) => name), ...weights.keys()]);
    all.delete("_fts");
    if (all.has("$**")) throw new StoreError(67, "wildcard text indexes are not supported by this store");
    this.fields = [...all].map((name) => {
      const weight = weights.get(name);
      return { path: parsePath(name), weight: weight === undefined ? 1 : numberOf(weight) };
    });
  }

  create(): void {
    const columns = this.fields.map((_, i) => `c${i}`).join(", ");
    this.database.sql.exec(
      `CREATE VIRTUAL TABLE ${this.table} USING fts5(${columns}, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 2")`,
    );
  }

  drop(): void {
    this.database.sql.exec(`DROP TABLE ${this.table}`);
  }

  add(rid: number, document: Raw): void {
    const texts = this.fields.map(({ path }) => textAt(document, path));
    if (texts.every((text) => text === "")) return;
    this.prepared().insert.run(rid, ...texts);
  }

  remove(rid: number): void {
    this.prepared().remove.run(rid);
  }

  /** At most `limit` rows after `rid` whose text matches an FTS5 expression, in order, each with its score. */
  search(match: string, rid: number, limit: number): TextHit[] {
    const weights = this.fields.map((field) => field.weight).join(", ");
    this.found ??= this.database.rows<TextHit>(
      `SELECT rowid, -bm25(${this.table}, ${weights}) FROM ${this.table} WHERE ${this.table} MATCH ? AND rowid > ? ` +
        "ORDER BY rowid LIMIT ?",
    );
    return this.found.all(match, rid, limit);
  }

  private prepared(): { insert: StatementSync; remove: StatementSync } {
    if (this.statements !== undefined) return this.statements;
    const columns = this.fields.map((_, i) => `c${i}`).join(", ");
    const marks = this.fields.map(() => "?").join(", ");
    this.statements = {
      insert: this.database.sql.prepare(`INSERT INTO ${this.table} (rowid, ${columns}) VALUES (?, ${marks})`),
      remove: this.database.sql.prepare(`DELETE FROM ${this.table} WHERE rowid = ?`),
    };
    return this.statements;
  }
}

function textAt(document: Raw, path: Path): string {
  const texts: string[] = [];
  eachValue(document, path.parts, 0, (value) => {
    if (value?.type === Type.string) texts.push(stringValue(value));
  });
  return texts.join("\n");
}

/**
 * Which indexes are being built, and how far: a build goes over the rows in their order, a part in each turn. Such an
 * index has the documents of all rows up to its mark and no others, whatever is written meanwhile.
 */
import type { StatementSync } from "node:sqlite";
import type { Database } from "./database.ts";

export class IndexBuilds {
  private readonly statements: Record<"mark" | "get" | "end", StatementSync>;

  constructor({ sql }: Database) {
    sql.exec("CREATE TABLE IF NOT EXISTS builds (id INTEGER PRIMARY KEY, up_to INTEGER NOT NULL)");
    this.statements = {
      mark: sql.prepare(
        "INSERT INTO builds VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET up_to = excluded.up_to",
      ),
      get: sql.prepare("SELECT up_to FROM builds WHERE id = ?"),
      end: sql.prepare("DELETE FROM builds WHERE id = ?"),
    };
  }

  /** The last row that an index has; infinity for one that has all. */
  upTo(index: number): number {
    return Number(this.statements.get.get(index)?.up_to ?? Number.POSITIVE_INFINITY);
  }

  mark(index: number, upTo: number): void {
    this.statements.mark.run(index, upTo);
  }

  /** The index has all rows, or is gone. */
  end(index: number): void {
    this.statements.end.run(index);
  }
}

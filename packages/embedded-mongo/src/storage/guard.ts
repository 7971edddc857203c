/**
 * Detects that the collection or index of a read was dropped between two steps. A new one may get its table's name.
 * It is checked only when the catalogue has changed.
 */
import type { Binary } from "bson";
import { StoreError } from "../errors.ts";
import type { Database } from "./database.ts";
import type { Index } from "./index.ts";

/** The error of a paused command whose collection or index was dropped. */
export const planKilled = (): StoreError =>
  new StoreError(175, "query plan killed: the collection or index was dropped or changed meanwhile");

/** What is known of a collection before the read. */
interface Guarded {
  readonly database: Database;
  readonly id: number;
  readonly uuid: Binary;
}

export class Guard {
  private readonly collection: Guarded;
  private readonly index: Index | undefined;
  private generation: number;

  constructor(collection: Guarded, index: Index | undefined) {
    this.collection = collection;
    this.index = index;
    this.generation = collection.database.generation;
  }

  check(): void {
    const { database, id, uuid } = this.collection;
    if (database.generation === this.generation) return;
    const found = database.sql
      .prepare("SELECT 1 FROM collections WHERE id = ? AND uuid = ?")
      .get(id, uuid.buffer);
    if (found === undefined) throw planKilled();
    if (this.index !== undefined) {
      const kept = database.sql
        .prepare("SELECT 1 FROM indexes WHERE id = ? AND collection = ? AND name = ?")
        .get(this.index.id, id, this.index.name);
      if (kept === undefined) throw planKilled();
    }
    this.generation = database.generation;
  }
}

/**
 * The table of parts: fields of objects that are stored separately. A row has the fields whose names lie in one range
 * (a {@link Leaf}). So few rows hold a large object, and a change of one field needs only one row.
 */
import { toBuffer } from "../../bson/raw.ts";
import type { Database } from "../database.ts";
import { decodeParts, divide, encodeParts, Leaf } from "./leaf.ts";
import type { Part } from "./part.ts";

/** Identifies one object of one document. */
export interface ObjectId {
  readonly collection: number;
  readonly rid: number;
  /** Its number among the document's separately stored objects. */
  readonly object: number;
}

const lowest = Buffer.alloc(0);

export class PartTable {
  private readonly statements: ReturnType<typeof prepare>;
  /** Maximum bytes of fields in a row, unless a single field has more. */
  private readonly most: number;

  constructor(database: Database, most: number) {
    this.most = most;
    database.define(`
      CREATE TABLE IF NOT EXISTS parts (
        collection INTEGER NOT NULL, rid INTEGER NOT NULL, object INTEGER NOT NULL, low BLOB NOT NULL, fields BLOB NOT NULL,
        PRIMARY KEY (collection, rid, object, low)
      ) WITHOUT ROWID`);
    this.statements = prepare(database);
  }

  /** All fields of an object, in no particular order. */
  all({ collection, rid, object }: ObjectId): Part[] {
    return this.statements.all
      .all(collection, rid, object)
      .flatMap(([fields]) => decodeParts(toBuffer(fields)));
  }

  /** The leaf of a name: the one with the greatest lower bound. Leaves in `known` are not read again. */
  leaf({ collection, rid, object }: ObjectId, key: Buffer, known: ReadonlyMap<string, Leaf>): Leaf {
    const found = this.statements.leaf.get(collection, rid, object, key);
    const low = found === undefined ? lowest : toBuffer(found[0]);
    return (
      known.get(low.toString("latin1")) ??
      (found === undefined ? new Leaf(low, []) : Leaf.decode(low, toBuffer(found[1])))
    );
  }

  /** Writes a leaf, divided where it has become too large. */
  write(id: ObjectId, leaf: Leaf): void {
    const { parts, low } = leaf;
    if (parts.length === 0) this.statements.remove.run(id.collection, id.rid, id.object, low);
    else this.put(id, low, divide(parts, this.most, leaf.appended));
  }

  /** Adds all fields of a new object. */
  fill(id: ObjectId, parts: readonly Part[]): void {
    const sorted = [...parts].sort((a, b) => a.compareName(b.buf, b.from + 1, b.nameEnd));
    this.put(id, lowest, divide(sorted, this.most, true));
  }

  private put({ collection, rid, object }: ObjectId, low: Buffer, pieces: readonly Part[][]): void {
    for (const [i, piece] of pieces.entries()) {
      const from = i === 0 ? low : (piece[0]?.key ?? low);
      this.statements.put.run(collection, rid, object, from, encodeParts(piece));
    }
  }

  /** Removes the parts of a document. */
  clear(collection: number, rid: number): void {
    this.statements.clear.run(collection, rid);
  }

  /** Removes the parts of all documents of a collection. */
  drop(collection: number): void {
    this.statements.drop.run(collection);
  }

  /** Documents of a collection that have parts. */
  documents(collection: number): number[] {
    return this.statements.documents.all(collection).map(([rid]) => rid);
  }
}

function prepare(database: Database) {
  const rows = <R extends readonly unknown[] = []>(sql: string) => database.rows<R>(sql);
  const object = "collection = ? AND rid = ? AND object = ?";
  return {
    all: rows<[fields: Uint8Array]>(`SELECT fields FROM parts WHERE ${object}`),
    leaf: rows<[low: Uint8Array, fields: Uint8Array]>(
      `SELECT low, fields FROM parts WHERE ${object} AND low <= ? ORDER BY low DESC LIMIT 1`,
    ),
    put: rows(
      "INSERT INTO parts VALUES (?, ?, ?, ?, ?) ON CONFLICT (collection, rid, object, low) DO UPDATE SET fields = excluded.fields",
    ),
    remove: rows(`DELETE FROM parts WHERE ${object} AND low = ?`),
    clear: rows("DELETE FROM parts WHERE collection = ? AND rid = ?"),
    drop: rows("DELETE FROM parts WHERE collection = ?"),
    documents: rows<[rid: number]>("SELECT DISTINCT rid FROM parts WHERE collection = ?"),
  };
}

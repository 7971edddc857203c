/** Stores, per session, the answer to its last retryable write, so that a repeat is not applied again. */
import type { StatementSync } from "node:sqlite";
import { type Raw, rawDocument, toBuffer } from "../bson/raw.ts";
import { StoreError } from "../errors.ts";
import type { Database, Statement } from "./database.ts";

/** Sessions end after 30 minutes without use (`logicalSessionTimeoutMinutes`). */
const keptMs = 30 * 60 * 1000;

export class RetryLog {
  private readonly get: Statement<[number: number, reply: Uint8Array]>;
  private readonly put: StatementSync;
  private readonly expire: StatementSync;

  constructor(database: Database) {
    database.define(
      "CREATE TABLE IF NOT EXISTS retries (session BLOB PRIMARY KEY, number INTEGER NOT NULL, reply BLOB NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID",
    );
    this.get = database.rows("SELECT number, reply FROM retries WHERE session = ?");
    this.put = database.sql.prepare(
      "INSERT INTO retries (session, number, reply, at) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET number = excluded.number, reply = excluded.reply, at = excluded.at",
    );
    this.expire = database.sql.prepare("DELETE FROM retries WHERE at < ?");
  }

  /** The earlier answer to this very write, if any. Refuses older numbers. */
  earlier(session: Raw, number: number): Raw | undefined {
    const row = this.get.get(session.bytes());
    if (row === undefined || row[0] < number) return undefined;
    if (row[0] === number) return rawDocument(toBuffer(row[1]));
    throw new StoreError(
      225,
      `Cannot start transaction ${number} because a newer transaction ${row[0]} has already started.`,
    );
  }

  remember(session: Raw, number: number, reply: Buffer, now: number): void {
    this.put.run(session.bytes(), number, reply, now);
  }

  /** Drops sessions that have not written for half an hour. */
  sweep(now: number): number {
    return Number(this.expire.run(now - keptMs).changes);
  }
}

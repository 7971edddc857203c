/** The SQLite file of the store: opening, locking, transactions and the flush to disk. */
import { close as closeFile, fdatasync, openSync } from "node:fs";
import { join } from "node:path";
import {
  DatabaseSync,
  type SQLInputValue,
  type StatementResultingChanges,
  type StatementSync,
} from "node:sqlite";
import { promisify } from "node:util";
import { checkFile, damaged, isDamage } from "./damage.ts";
import { openPrivateFolder, STORE_FILE } from "./private-files.ts";

export type SyncMode = "full" | "normal";

/** A statement whose rows are arrays. Node's types know only rows that are objects. */
export interface Statement<R extends readonly unknown[]> {
  get(...values: SQLInputValue[]): R | undefined;
  all(...values: SQLInputValue[]): R[];
  run(...values: SQLInputValue[]): StatementResultingChanges;
}

const memory = ":memory:";

/** A number in memory that follows from the file, and goes back with it when something is undone. */
export interface Mirror {
  state: number;
}

/**
 * One connection that owns the file. In WAL mode with `synchronous=NORMAL`, a commit is written but not flushed. With
 * sync `full`, the store flushes the log itself, off this thread, before it answers (see {@link flush}). This is as
 * safe as SQLite's FULL, and the next group of commands runs meanwhile.
 */
export class Database {
  readonly sql: DatabaseSync;
  readonly file: string;
  /** Increases with every change of collections and indexes. Running commands then check theirs. */
  generation = 0;
  /** Transactions that were committed, and flushes to disk, for `serverStatus`. */
  commits = 0;
  flushes = 0;
  /** What mirrors were before the running atomic part. */
  private before: Map<Mirror, number> | undefined;
  private readonly log: number | undefined;
  private readonly beginStatement: StatementSync;
  private readonly commitStatement: StatementSync;
  private readonly saveStatement: StatementSync;
  private readonly releaseStatement: StatementSync;

  constructor(dir: string, sync: SyncMode) {
    const file = dir === memory ? memory : join(dir, STORE_FILE);
    // SQLite gives the files beside the database the same mode.
    if (dir !== memory) openPrivateFolder(dir);
    this.file = file;
    this.sql = new DatabaseSync(file);
    try {
      this.configure();
    } catch (error) {
      this.sql.close();
      throw isDamage(error) ? damaged(file, error) : opened(error, dir);
    }
    this.log = file !== memory && sync === "full" ? openSync(`${file}-wal`, "r+") : undefined;
    this.beginStatement = this.sql.prepare("BEGIN IMMEDIATE");
    this.commitStatement = this.sql.prepare("COMMIT");
    this.saveStatement = this.sql.prepare("SAVEPOINT command");
    this.releaseStatement = this.sql.prepare("RELEASE command");
  }

  private configure(): void {
    const { sql } = this;
    sql.exec("PRAGMA page_size = 8192");
    sql.exec("PRAGMA locking_mode = EXCLUSIVE");
    sql.exec("PRAGMA journal_mode = WAL");
    sql.exec("PRAGMA synchronous = NORMAL");
    sql.exec("PRAGMA cache_size = -65536");
    sql.exec("PRAGMA wal_autocheckpoint = 4000");
    sql.exec("PRAGMA temp_store = MEMORY");
    sql.exec("BEGIN EXCLUSIVE");
    // Before any write, and with the lock that excludes other processes.
    if (this.file !== memory) checkFile(sql, this.file);
    sql.exec("CREATE TABLE IF NOT EXISTS opened (at INTEGER)");
    sql.exec("DELETE FROM opened");
    sql.prepare("INSERT INTO opened VALUES (?)").run(Date.now());
    sql.exec("COMMIT");
  }

  /** A prepared statement whose rows are arrays: `R`, which the caller knows from the text. */
  rows<R extends readonly unknown[]>(text: string): Statement<R> {
    const statement = this.sql.prepare(text);
    statement.setReturnArrays(true);
    return statement as StatementSync & Statement<R>;
  }

  begin(): void {
    this.beginStatement.run();
  }

  commit(): void {
    this.commitStatement.run();
    this.commits++;
  }

  rollback(): void {
    if (this.sql.isTransaction) this.sql.exec("ROLLBACK");
  }

  /** Runs `work` atomically: completely, or not at all when it throws. May be nested. */
  atomically<T>(work: () => T): T {
    this.saveStatement.run();
    const outer = this.before;
    const before = new Map<Mirror, number>();
    this.before = before;
    let result: T;
    try {
      result = work();
    } catch (error) {
      if (this.sql.isTransaction) this.sql.exec("ROLLBACK TO command; RELEASE command");
      for (const [mirror, state] of before) mirror.state = state;
      throw error;
    } finally {
      this.before = outer;
    }
    this.releaseStatement.run();
    // Of the part around it, these are changes too.
    if (outer !== undefined) for (const [mirror, state] of before) keep(outer, mirror, state);
    return result;
  }

  /** Called before a mirror changes, so that it is undone with the atomic part. */
  changing(mirror: Mirror): void {
    if (this.before !== undefined) keep(this.before, mirror, mirror.state);
  }

  /** True when commits must be flushed before they are acknowledged. */
  get needsFlush(): boolean {
    return this.log !== undefined;
  }

  /** Resolves when everything committed before the call would survive a loss of power. */
  async flush(): Promise<void> {
    if (this.log === undefined) return;
    this.flushes++;
    await promisify(fdatasync)(this.log);
  }

  /** Moves the log into the file and closes it. */
  async close(): Promise<void> {
    this.sql.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    this.sql.close();
    if (this.log !== undefined) await promisify(closeFile)(this.log);
  }
}

function keep(before: Map<Mirror, number>, mirror: Mirror, state: number): void {
  if (!before.has(mirror)) before.set(mirror, state);
}

function opened(error: unknown, dir: string): Error {
  if (error instanceof Error && /locked|busy/i.test(error.message)) {
    return new Error(`the embedded store in ${dir} is in use by another process`, { cause: error });
  }
  return error instanceof Error ? error : new Error(String(error));
}

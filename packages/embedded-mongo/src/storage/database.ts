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

export interface DatabaseOptions {
  /** `":memory:"` stores nothing. */
  readonly dir: string;
  readonly sync: SyncMode;
  /** True for a connection that only reads, beside that of another thread. */
  readonly readOnly?: boolean | undefined;
}

const memory = ":memory:";

/** A number in memory that follows from the file, and goes back with it when something is undone. */
export interface Mirror {
  state: number;
}

/** Pages in the log from which it is moved into the file. */
export const longLog = 4000;

/**
 * A connection to the file. The one that writes owns it, and excludes other processes. In WAL mode with
 * `synchronous=NORMAL`, a commit is written but not flushed. With sync `full`, the store flushes the log itself, off
 * this thread, before it answers (see {@link flush}). This is as safe as SQLite's FULL, and the next group of commands
 * runs meanwhile.
 */
export class Database {
  readonly sql: DatabaseSync;
  readonly file: string;
  readonly readOnly: boolean;
  /** The file is open to other connections of this process. */
  shared = false;
  /** Increases with every change of collections and indexes. Running commands then check theirs. */
  generation = 0;
  /** Transactions that were committed, and flushes to disk, for `serverStatus`. */
  commits = 0;
  flushes = 0;
  /** What mirrors were before the running atomic part. */
  private before: Map<Mirror, number> | undefined;
  private readonly log: number | undefined;
  private catalogVersion: number;
  private readonly versionStatement: Statement<[version: number]>;
  private logStatement: Statement<LogState> | undefined;
  private readonly beginStatement: StatementSync;
  private readonly commitStatement: StatementSync;
  private readonly saveStatement: StatementSync;
  private readonly releaseStatement: StatementSync;

  constructor({ dir, sync, readOnly = false }: DatabaseOptions) {
    const file = dir === memory ? memory : join(dir, STORE_FILE);
    // SQLite gives the files beside the database the same mode.
    if (dir !== memory && !readOnly) openPrivateFolder(dir);
    this.file = file;
    this.readOnly = readOnly;
    this.sql = new DatabaseSync(file, { readOnly, timeout: readOnly ? readerWait : 0 });
    try {
      if (readOnly) this.sql.exec(`PRAGMA cache_size = ${readerCache}`);
      else this.configure();
    } catch (error) {
      this.sql.close();
      throw isDamage(error) ? damaged(file, error) : opened(error, dir);
    }
    this.log = file !== memory && sync === "full" && !readOnly ? openSync(`${file}-wal`, "r+") : undefined;
    this.versionStatement = this.rows("PRAGMA user_version");
    this.catalogVersion = this.storedVersion();
    this.beginStatement = this.sql.prepare(readOnly ? "BEGIN" : "BEGIN IMMEDIATE");
    this.commitStatement = this.sql.prepare("COMMIT");
    this.saveStatement = this.sql.prepare("SAVEPOINT command");
    this.releaseStatement = this.sql.prepare("RELEASE command");
  }

  private configure(): void {
    const { sql } = this;
    sql.exec("PRAGMA page_size = 8192");
    sql.exec("PRAGMA journal_mode = WAL");
    // Read before the lock: only then SQLite keeps the index of the log where other connections can use it later.
    sql.exec("SELECT count(*) FROM sqlite_schema");
    sql.exec("PRAGMA locking_mode = EXCLUSIVE");
    sql.exec("PRAGMA synchronous = NORMAL");
    sql.exec("PRAGMA cache_size = -65536");
    sql.exec(`PRAGMA wal_autocheckpoint = ${longLog}`);
    sql.exec("PRAGMA temp_store = MEMORY");
    sql.exec("BEGIN EXCLUSIVE");
    // Before any write, and with the lock that excludes other processes.
    if (this.file !== memory) checkFile(sql, this.file);
    sql.exec("CREATE TABLE IF NOT EXISTS opened (at INTEGER)");
    sql.exec("DELETE FROM opened");
    sql.prepare("INSERT INTO opened VALUES (?)").run(Date.now());
    sql.exec("COMMIT");
  }

  /** Creates tables and the like. Where this connection only reads, they are there. */
  define(text: string): void {
    if (!this.readOnly) this.sql.exec(text);
  }

  /**
   * Lets other connections of this process read beside this one. A commit then takes some 7 µs more, and the log is not
   * moved into the file by itself ({@link moveLog}). Other processes remain excluded.
   */
  share(): void {
    if (this.shared) return;
    this.sql.exec("PRAGMA locking_mode = NORMAL");
    this.sql.exec("PRAGMA wal_autocheckpoint = 0");
    // The lock is let go at the end of a transaction.
    this.sql.exec("BEGIN IMMEDIATE; COMMIT");
    this.shared = true;
  }

  /** Owns the file alone again. Does nothing where another connection still has it open. */
  unshare(): void {
    if (!this.shared) return;
    this.sql.exec("PRAGMA locking_mode = EXCLUSIVE");
    try {
      this.sql.exec("BEGIN IMMEDIATE; COMMIT");
    } catch (error) {
      this.sql.exec("PRAGMA locking_mode = NORMAL");
      if (isBusy(error)) return;
      throw error;
    }
    this.sql.exec(`PRAGMA wal_autocheckpoint = ${longLog}`);
    this.shared = false;
  }

  /** Pages in the log. */
  logLength(): number {
    this.logStatement ??= this.rows<LogState>("PRAGMA wal_checkpoint(NOOP)");
    return this.logStatement.get()?.[1] ?? 0;
  }

  /** Moves the log into the file, as far as no other connection still reads what it replaces. */
  moveLog(): void {
    this.sql.exec("PRAGMA wal_checkpoint(PASSIVE)");
  }

  /** A number that differs after each change of collections and indexes, for connections that mirror these. */
  storedVersion(): number {
    return this.versionStatement.get()?.[0] ?? 0;
  }

  /** Collections or indexes change in the running transaction. */
  catalogChanges(): void {
    // Not taken back by an undo, so that no two changes have one number.
    this.catalogVersion = (this.catalogVersion + 1) | 0;
    this.sql.exec(`PRAGMA user_version = ${this.catalogVersion}`);
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
    await flushFile(this.log);
  }

  /** Moves the log into the file and closes it. */
  async close(): Promise<void> {
    if (!this.readOnly) this.sql.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    this.sql.close();
    if (this.log !== undefined) await promisify(closeFile)(this.log);
  }
}

const flushFile = promisify(fdatasync);

type LogState = [busy: number, pages: number, moved: number];

/** Milliseconds that a reader waits for a lock, which others hold for moments only. */
const readerWait = 5000;
/** Pages that a reader keeps, as KiB with SQLite's minus. The system's cache has the rest. */
const readerCache = -16_384;

const isBusy = (error: unknown): boolean =>
  error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === 5;

function keep(before: Map<Mirror, number>, mirror: Mirror, state: number): void {
  if (!before.has(mirror)) before.set(mirror, state);
}

function opened(error: unknown, dir: string): Error {
  if (error instanceof Error && /locked|busy/i.test(error.message)) {
    return new Error(`the embedded store in ${dir} is in use by another process`, { cause: error });
  }
  return error instanceof Error ? error : new Error(String(error));
}

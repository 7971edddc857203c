/**
 * Builds an index in turns, while other commands write. It reads the rows in order and enters their keys sorted. So each
 * page of the index is written only a few times, however many turns the build takes.
 */
import type { StatementSync } from "node:sqlite";
import { checkTime, isTurnOver } from "../query/deadline.ts";
import { byKey, Sorter } from "../query/sorter.ts";
import type { Database } from "./database.ts";
import type { Index } from "./index.ts";
import type { Stored } from "./stored.ts";

/** The documents of a collection. */
interface Rows {
  after(rid: number, limit: number): Stored[];
  byRow(rid: number): Stored | undefined;
}

interface Entry {
  readonly key: Buffer;
  readonly rid: number;
}

/** Bytes of memory that an entry needs in addition to its key. */
const costOfEntry = 100;
const readAtOnce = 200;

const newSorter = () =>
  new Sorter<Entry>(byKey, Number.POSITIVE_INFINITY, (entry) => entry.key.length + costOfEntry);

class IndexBuild {
  private readonly sortedAtOnce: number;
  /** The row that is being entered. */
  at = -1;
  /** The last row whose keys have been read. The build itself will read what is written to later rows. */
  private upTo = -1;
  /** Rows that were changed after their keys had been read. */
  private readonly rewritten = new Set<number>();
  private entries = newSorter();
  private state: "reading" | "entering" | "catching up" = "reading";

  constructor(sortedAtOnce: number) {
    this.sortedAtOnce = sortedAtOnce;
  }

  /** Whether a write to a row must change the index immediately. */
  takes(rid: number): boolean {
    if (rid > this.upTo) return false;
    if (this.state !== "catching up") this.rewritten.add(rid);
    return true;
  }

  /** Continues until the turn is over. True when the index has all documents. */
  advance(index: Index, rows: Rows): boolean {
    while (true) {
      if (this.state === "reading" && !this.read(index, rows)) return false;
      if (this.state === "entering" && !this.enter(index)) return false;
      if (this.state === "catching up") return this.catchUp(index, rows);
    }
  }

  /** Reads keys until there are enough to sort. False when the turn is over first. */
  private read(index: Index, rows: Rows): boolean {
    while (this.entries.bytes < this.sortedAtOnce) {
      const found = rows.after(this.upTo, readAtOnce);
      for (const stored of found) {
        checkTime();
        this.at = stored.rid;
        const document = stored.within(index.reads);
        if (index.text) index.add(stored.rid, document);
        else for (const key of index.keysFor(document)) this.entries.add({ key, rid: stored.rid });
        this.upTo = stored.rid;
        if (isTurnOver()) return false;
      }
      if (found.length === readAtOnce) continue;
      this.upTo = Number.POSITIVE_INFINITY;
      break;
    }
    this.state = "entering";
    return true;
  }

  private enter(index: Index): boolean {
    for (let entry = this.entries.next(); entry !== undefined; entry = this.entries.next()) {
      checkTime();
      this.at = entry.rid;
      // The keys of a changed row may differ by now.
      if (!this.rewritten.has(entry.rid)) index.enter(entry.rid, entry.key);
      if (isTurnOver()) return false;
    }
    this.entries = newSorter();
    this.state = this.upTo === Number.POSITIVE_INFINITY ? "catching up" : "reading";
    return true;
  }

  /** Enters the keys that changed rows have kept. In this state every write changes the index immediately. */
  private catchUp(index: Index, rows: Rows): boolean {
    for (const rid of this.rewritten) {
      checkTime();
      this.at = rid;
      this.rewritten.delete(rid);
      const stored = rows.byRow(rid);
      if (stored !== undefined && !index.text) index.add(rid, stored.within(index.reads));
      if (isTurnOver()) return false;
    }
    return true;
  }
}

/** Indexes that are not finished: a command is building them, or has left them behind. */
export class IndexBuilds {
  private readonly running = new Map<number, IndexBuild>();
  private readonly statements: Record<"begin" | "get" | "end", StatementSync>;

  private readonly sortedAtOnce: number;

  /** @param sortedAtOnce bytes of keys that a build sorts at once */
  constructor(database: Database, sortedAtOnce: number) {
    const { sql } = database;
    this.sortedAtOnce = sortedAtOnce;
    database.define("CREATE TABLE IF NOT EXISTS unfinished_indexes (id INTEGER PRIMARY KEY)");
    this.statements = {
      begin: sql.prepare("INSERT INTO unfinished_indexes VALUES (?)"),
      get: sql.prepare("SELECT 1 FROM unfinished_indexes WHERE id = ?"),
      end: sql.prepare("DELETE FROM unfinished_indexes WHERE id = ?"),
    };
  }

  begin(index: number): void {
    this.statements.begin.run(index);
    this.running.set(index, new IndexBuild(this.sortedAtOnce));
  }

  isUnfinished(index: number): boolean {
    return this.statements.get.get(index) !== undefined;
  }

  /** Undefined for an index that no command is building any more. */
  of(index: number): IndexBuild | undefined {
    return this.running.get(index);
  }

  /** The index is complete, or was dropped. */
  end(index: number): void {
    this.statements.end.run(index);
  }

  /** No command continues the build. */
  stop(index: number): void {
    this.running.delete(index);
  }
}

/** What commands work on: the database, its catalogue, open cursors. */

import type { Credentials } from "./auth/scram.ts";
import { Cursors } from "./cursors.ts";
import { Catalog } from "./storage/catalog.ts";
import type { Collection } from "./storage/collection.ts";
import { Database, type SyncMode } from "./storage/database.ts";
import { RetryLog } from "./storage/retry-log.ts";
import { defaultSizes, type Sizes } from "./storage/sizes.ts";

export interface StoreOptions {
  readonly dir: string;
  readonly sync: SyncMode;
  /** True where this thread only reads, beside the one that writes. */
  readonly readOnly?: boolean;
  /** Milliseconds since 1970. Tests may pass their own clock. */
  readonly clock?: () => number;
  readonly sizes?: Sizes;
  readonly cursors?: Cursors;
}

/** What reader threads do. */
export interface ReadersStatus {
  readonly threads: number;
  /** Reads that threads have been given, and that wait for one. */
  readonly running: number;
  readonly waiting: number;
  /** Reads since the start. */
  readonly total: number;
}

export class Store {
  readonly database: Database;
  readonly catalog: Catalog;
  readonly cursors: Cursors;
  readonly retries: RetryLog;
  readonly clock: () => number;
  readonly startedAt: number;
  /** Set while a command changes collections or indexes. A failure must then reload the catalogue. */
  catalogChanged = false;
  /** Set when the running group of commands has written anything. */
  wrote = false;
  /** Commands by name, for `serverStatus`. */
  readonly opcounters = new Map<string, number>();
  /** Sessions with a running retryable write. */
  readonly busySessions = new Set<string>();
  /** Undefined where there are none. */
  readers: { readonly status: ReadersStatus } | undefined;
  private inOne = false;
  connections = 0;
  totalConnections = 0;
  /** Address of the store in the form of `hello`. */
  address = "127.0.0.1:27017";
  /** Required log-in. Undefined where the socket's mode excludes other users. */
  credentials: Credentials | undefined;

  constructor(options: StoreOptions) {
    this.database = new Database(options);
    this.catalog = new Catalog(this.database, options.sizes ?? defaultSizes);
    this.cursors = options.cursors ?? new Cursors();
    this.retries = new RetryLog(this.database);
    this.clock = options.clock ?? Date.now;
    this.startedAt = this.clock();
  }

  find(db: string, name: string): Collection | undefined {
    return this.catalog.find(db, name);
  }

  /** The collection, created if missing. */
  ensure(db: string, name: string): Collection {
    const found = this.catalog.find(db, name);
    if (found !== undefined) return found;
    this.catalogChanged = true;
    this.wrote = true;
    return this.catalog.create(db, name);
  }

  /** Runs reads on one state of the file, on a connection that only reads. */
  snapshot(work: () => void): void {
    const { database } = this;
    database.begin();
    try {
      this.catalog.refresh();
      work();
    } finally {
      database.rollback();
    }
  }

  /** Runs a part of a command that is undone when it throws. */
  atomically<T>(work: () => T): T {
    try {
      return this.database.atomically(work);
    } catch (error) {
      if (this.catalogChanged) this.catalog.load();
      throw error;
    }
  }

  /** Like {@link atomically}, but joins an atomic part that is already running. */
  asPart<T>(work: () => T): T {
    return this.inOne ? work() : this.atomically(work);
  }

  /** Runs several parts as one. */
  asOne<T>(work: () => T): T {
    const before = this.inOne;
    this.inOne = true;
    try {
      return this.atomically(work);
    } finally {
      this.inOne = before;
    }
  }

  /** Undoes everything since the last commit. What is in memory of it is read again. */
  rollback(): void {
    this.database.rollback();
    this.catalog.load();
  }

  async close(): Promise<void> {
    this.cursors.closeAll();
    await this.database.close();
  }
}

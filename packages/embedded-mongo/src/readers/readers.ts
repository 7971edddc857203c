/**
 * Threads for reads that take long, so that these hold up no writes. They start when there is something to do for
 * them, and end when there has been nothing for a while.
 */
import { type CursorElsewhere, firstId } from "../cursors.ts";
import { StoreError } from "../errors.ts";
import { timeIsOver } from "../query/deadline.ts";
import { DamagedFile } from "../storage/damage.ts";
import { longLog } from "../storage/database.ts";
import type { ReadersStatus, Store } from "../store.ts";
import { type Read, ReaderThread, type ThreadEvents } from "./reader-thread.ts";
import { SnapshotGate } from "./snapshot-gate.ts";

export type { Read } from "./reader-thread.ts";

export interface ReadersOptions {
  /** The store's folder. */
  readonly dir: string;
  /** How many there are at most. */
  readonly most: number;
  /** Milliseconds after which a thread without work and cursors ends; 60,000 by default. */
  readonly idleMs?: number;
  /** Megabytes of JavaScript objects that a thread may hold, 256 by default. One that needs more ends. */
  readonly heapMb?: number;
}

/** Reads that take turns in one thread. Each may hold the memory of a sort. */
const mostAtOnce = 32;
/** Reads that wait for a thread. More are refused. */
const mostWaiting = 1000;
/** Milliseconds between two looks at the length of the log. */
const lookEvery = 20;
/** Milliseconds that the log waits for readers to leave before as much of it is moved as is possible. */
const patience = 1000;

export class Readers {
  /** Called when a reader finds that the file can't be trusted. */
  onDamage: (error: DamagedFile) => void = (error) => {
    throw error;
  };
  private readonly store: Store;
  private readonly dir: string;
  private readonly idleMs: number;
  private readonly heapMb: number;
  private readonly gate: SnapshotGate;
  private readonly threads: (ReaderThread | undefined)[];
  private waiting: Read[] = [];
  private nextLook = 0;
  private closed = false;
  private total = 0;

  constructor(store: Store, { dir, most, idleMs = 60_000, heapMb = 256 }: ReadersOptions) {
    this.store = store;
    this.dir = dir;
    this.idleMs = idleMs;
    this.heapMb = heapMb;
    this.gate = new SnapshotGate(most);
    this.threads = Array.from({ length: most }, () => undefined);
  }

  /** For `serverStatus`. */
  get status(): ReadersStatus {
    const threads = this.open();
    const running = threads.reduce((sum, thread) => sum + thread.load, 0);
    return { threads: threads.length, running, waiting: this.waiting.length, total: this.total };
  }

  /** Gives a read to a thread, at once or when one has room. Not to be called within a transaction. */
  run(read: Read): void {
    this.total++;
    if (read.cursor !== undefined) {
      this.goOn(read, read.cursor);
      return;
    }
    if (this.waiting.length >= mostWaiting) {
      read.done(new StoreError(262, "too many reads are waiting"));
      return;
    }
    this.waiting.push(read);
    this.dispatch();
  }

  /** Goes on with a cursor, in the thread that has it. */
  private goOn(read: Read, cursor: CursorElsewhere): void {
    const { holder } = cursor;
    if (!(holder instanceof ReaderThread && holder.isOpen)) {
      read.done(new StoreError(43, `cursor id ${cursor.id} not found`));
      return;
    }
    cursor.busy = true;
    cursor.lastUsed = this.store.clock();
    const done = (reply: Buffer | StoreError): void => {
      cursor.busy = false;
      cursor.lastUsed = this.store.clock();
      read.done(reply);
    };
    holder.run({ ...read, done });
  }

  /** Stops a read whose client is gone. */
  stop(read: Read): void {
    if (read.cursor !== undefined) this.store.cursors.close(read.cursor.id);
    this.waiting = this.waiting.filter((other) => other !== read);
    for (const thread of this.open()) thread.stop(read);
  }

  private open(): ReaderThread[] {
    return this.threads.filter((thread) => thread?.isOpen === true) as ReaderThread[];
  }

  private dispatch(): void {
    while (this.waiting.length > 0 && !this.closed) {
      const thread = this.withRoom();
      if (thread === undefined) return;
      const read = this.waiting.shift() as Read;
      if (read.deadline.isOver) read.done(timeIsOver());
      else thread.run(read);
    }
  }

  /** The thread with the least to do. A further one is started rather than that a read waits for others. */
  private withRoom(): ReaderThread | undefined {
    const [least] = this.open().sort((a, b) => a.load - b.load);
    const place = this.threads.indexOf(undefined);
    if (place >= 0 && (least === undefined || least.load > 0)) return this.start(place);
    return least !== undefined && least.load < mostAtOnce ? least : undefined;
  }

  private start(place: number): ReaderThread {
    const { dir, gate, store } = this;
    store.database.share();
    const data = { dir, place, gate: gate.shared, firstCursor: firstId() };
    const thread = new ReaderThread(data, this.heapMb, this.events);
    this.threads[place] = thread;
    return thread;
  }

  private readonly events: ThreadEvents = {
    opened: (cursor, thread) => this.store.cursors.addElsewhere(cursor, thread, this.store.clock()),
    closed: (cursor) => this.store.cursors.gone(cursor),
    free: () => this.dispatch(),
    damaged: (what) => this.onDamage(new DamagedFile(this.store.database.file, what)),
    ended: (thread) => {
      this.gate.leave(thread.place);
      this.threads[thread.place] = undefined;
      this.store.cursors.goneWith(thread);
      if (this.threads.every((other) => other === undefined) && !this.closed) this.store.database.unshare();
      this.dispatch();
    },
  };

  /** Moves the log into the file when it has become long. Called after commits. */
  keepLogShort(): void {
    const { database } = this.store;
    const now = performance.now();
    if (!database.shared || this.closed || this.gate.isClosed || now < this.nextLook) return;
    this.nextLook = now + lookEvery;
    if (database.logLength() < longLog) return;
    this.gate.close();
    this.moveLogWhenEmpty(now + patience);
  }

  /** Commits go on while readers finish their turns. */
  private moveLogWhenEmpty(until: number): void {
    if (this.closed) return;
    const late = performance.now() > until;
    if (!this.gate.isEmpty && !late) {
      setTimeout(() => this.moveLogWhenEmpty(until), 1);
      return;
    }
    // Readers that come now find everything in the file, so they do not keep the log from beginning anew.
    this.store.database.moveLog();
    this.gate.open();
    if (late) this.nextLook = performance.now() + patience;
  }

  /** Ends threads that have had nothing to do for a while. */
  sweep(): void {
    const now = performance.now();
    for (const thread of this.open())
      if (thread.load === 0 && now - thread.lastUsed > this.idleMs && !this.store.cursors.has(thread))
        thread.end();
  }

  /** Ends all threads. Their reads fail. */
  async close(): Promise<void> {
    this.closed = true;
    this.gate.open();
    this.waiting = [];
    const threads = this.threads.filter((thread) => thread !== undefined);
    for (const thread of this.open()) thread.end();
    await Promise.all(threads.map((thread) => thread.ended));
  }
}

/** Results that a client has not read completely. */

import type { Raw } from "./bson/raw.ts";
import { StoreError } from "./errors.ts";
import { type Deadline, HandOver, type Pause } from "./query/deadline.ts";

/** Where a cursor gets its documents. */
export interface Results {
  next(): Raw | Pause | undefined;
  /** Drops data that can be read again, while the client is away. */
  release(): void;
}

export interface OpenCursor {
  readonly id: bigint;
  readonly namespace: string;
  /** False for one that a client keeps open as long as it likes. */
  readonly idleLimit: boolean;
}

interface Used {
  lastUsed: number;
  /** True while a client reads from it. */
  busy: boolean;
}

/** A cursor of this thread. */
export interface Cursor extends OpenCursor, Used {
  readonly results: Results;
  /** A document that did not fit into the last batch. */
  pending: Raw | undefined;
  readonly deadline: Deadline;
}

/** Another thread that has cursors. */
export interface CursorHolder {
  closeCursor(id: bigint): void;
}

/** A cursor of another thread. */
export interface CursorElsewhere extends OpenCursor, Used {
  readonly holder: CursorHolder;
}

/** Thrown where a read goes on with such a cursor. */
export class ReadsElsewhere extends HandOver {
  readonly cursor: CursorElsewhere;

  constructor(cursor: CursorElsewhere) {
    super();
    this.cursor = cursor;
  }
}

/** Learns which cursors are opened and closed. */
export interface CursorObserver {
  opened(cursor: OpenCursor): void;
  closed(id: bigint): void;
}

const mostCursors = 2000;
/** As MongoDB's `cursorTimeoutMillis`. */
const idleMs = 10 * 60 * 1000;

export class Cursors {
  private readonly open = new Map<bigint, Cursor | CursorElsewhere>();
  private readonly observer: CursorObserver | undefined;
  private readonly first: bigint;
  private lastId = 0n;

  /** @param first the number from which ids are counted: no other thread of the store has one near it */
  constructor(first = firstId(), observer?: CursorObserver) {
    this.first = first;
    this.observer = observer;
  }

  get size(): number {
    return this.open.size;
  }

  add(namespace: string, results: Results, now: number, noTimeout: boolean, deadline: Deadline): Cursor {
    const cursor: Cursor = {
      id: this.first + ++this.lastId,
      namespace,
      results,
      pending: undefined,
      lastUsed: now,
      idleLimit: !noTimeout,
      deadline,
      busy: false,
    };
    deadline.suspend();
    this.put(cursor);
    this.observer?.opened(cursor);
    return cursor;
  }

  /** Another thread has opened a cursor. */
  addElsewhere({ id, namespace, idleLimit }: OpenCursor, holder: CursorHolder, now: number): void {
    this.put({ id, namespace, idleLimit, holder, lastUsed: now, busy: false });
  }

  private put(cursor: Cursor | CursorElsewhere): void {
    if (this.open.size >= mostCursors) this.evict(cursor.lastUsed);
    this.open.set(cursor.id, cursor);
  }

  get(id: bigint, namespace: string): Cursor | CursorElsewhere {
    const found = this.open.get(id);
    if (found === undefined) throw new StoreError(43, `cursor id ${id} not found`);
    if (found.namespace !== namespace) {
      throw new StoreError(
        13,
        `Requested getMore on namespace '${namespace}', but cursor belongs to a different namespace ${found.namespace}`,
      );
    }
    return found;
  }

  /** Closes a cursor, in whichever thread it is. */
  close(id: bigint): boolean {
    const cursor = this.open.get(id);
    if (cursor === undefined) return false;
    this.open.delete(id);
    if ("holder" in cursor) cursor.holder.closeCursor(id);
    this.observer?.closed(id);
    return true;
  }

  /** The thread that had a cursor has closed it. */
  gone(id: bigint): void {
    this.open.delete(id);
  }

  /** Whether a thread has cursors. */
  has(holder: CursorHolder): boolean {
    return this.open.values().some((cursor) => "holder" in cursor && cursor.holder === holder);
  }

  /** A thread has ended, with all its cursors. */
  goneWith(holder: CursorHolder): void {
    for (const [id, cursor] of this.open)
      if ("holder" in cursor && cursor.holder === holder) this.open.delete(id);
  }

  /** Closes the cursors of a dropped collection, or of a whole database (`db.`). */
  closeUnder(namespace: string): void {
    for (const [id, cursor] of this.open) {
      const same =
        cursor.namespace === namespace || (namespace.endsWith(".") && cursor.namespace.startsWith(namespace));
      if (same) this.close(id);
    }
  }

  /** Closes cursors that were unused for ten minutes. */
  sweep(now: number): void {
    for (const [id, cursor] of this.open) {
      if (cursor.idleLimit && !cursor.busy && now - cursor.lastUsed > idleMs) this.close(id);
    }
  }

  closeAll(): void {
    this.open.clear();
  }

  /** Too many are open. The one that was unused for the longest time is closed, as if it had timed out. */
  private evict(now: number): void {
    this.sweep(now);
    if (this.open.size < mostCursors) return;
    let oldest: Cursor | CursorElsewhere | undefined;
    for (const cursor of this.open.values())
      if (!cursor.busy && (oldest === undefined || cursor.lastUsed < oldest.lastUsed)) oldest = cursor;
    if (oldest !== undefined) this.close(oldest.id);
  }
}

let firsts = 0n;

/**
 * A first id for a thread's cursors. Those of one process are far apart, those of two runs of a store differ. All are
 * too large for a double, so that no client takes an id for one.
 */
export function firstId(): bigint {
  const least = 0x4000;
  const random = least + Math.floor(Math.random() * (0x7fffff - least));
  return (BigInt(random) << 39n) + (firsts++ << 31n);
}

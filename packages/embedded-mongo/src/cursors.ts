/** Results that a client has not read completely. */

import type { Raw } from "./bson/raw.ts";
import { StoreError } from "./errors.ts";
import type { Deadline, Pause } from "./query/deadline.ts";

/** Where a cursor gets its documents. */
export interface Results {
  next(): Raw | Pause | undefined;
  /** Drops data that can be read again, while the client is away. */
  release(): void;
}

export interface Cursor {
  readonly id: bigint;
  readonly namespace: string;
  readonly results: Results;
  /** A document that did not fit into the last batch. */
  pending: Raw | undefined;
  lastUsed: number;
  readonly idleLimit: boolean;
  readonly deadline: Deadline;
  /** True while a client reads from it. */
  busy: boolean;
}

const mostCursors = 2000;
/** As MongoDB's `cursorTimeoutMillis`. */
const idleMs = 10 * 60 * 1000;

export class Cursors {
  private readonly open = new Map<bigint, Cursor>();
  private lastId = 0n;
  private readonly base = BigInt(Math.floor(Math.random() * 0x7fffffff)) << 31n;

  get size(): number {
    return this.open.size;
  }

  add(namespace: string, results: Results, now: number, noTimeout: boolean, deadline: Deadline): Cursor {
    if (this.open.size >= mostCursors) this.evict(now);
    const id = this.base + ++this.lastId;
    const cursor: Cursor = {
      id,
      namespace,
      results,
      pending: undefined,
      lastUsed: now,
      idleLimit: !noTimeout,
      deadline,
      busy: false,
    };
    deadline.suspend();
    this.open.set(id, cursor);
    return cursor;
  }

  get(id: bigint, namespace: string): Cursor {
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

  close(id: bigint): boolean {
    return this.open.delete(id);
  }

  /** Closes the cursors of a dropped collection, or of a whole database (`db.`). */
  closeUnder(namespace: string): void {
    for (const [id, cursor] of this.open) {
      const same =
        cursor.namespace === namespace || (namespace.endsWith(".") && cursor.namespace.startsWith(namespace));
      if (same) this.open.delete(id);
    }
  }

  /** Closes cursors that were unused for ten minutes. */
  sweep(now: number): void {
    for (const [id, cursor] of this.open) {
      if (cursor.idleLimit && !cursor.busy && now - cursor.lastUsed > idleMs) this.open.delete(id);
    }
  }

  closeAll(): void {
    this.open.clear();
  }

  /** Too many are open. The one that was unused for the longest time is closed, as if it had timed out. */
  private evict(now: number): void {
    this.sweep(now);
    if (this.open.size < mostCursors) return;
    let oldest: Cursor | undefined;
    for (const cursor of this.open.values())
      if (!cursor.busy && (oldest === undefined || cursor.lastUsed < oldest.lastUsed)) oldest = cursor;
    if (oldest !== undefined) this.open.delete(oldest.id);
  }
}

/** Sorts in runs while rows arrive, and merges the runs on demand, so that no step takes long. */

export interface Keyed {
  readonly key: Buffer;
}

/** Negative, zero or positive: `a` comes before, with or after `b`. */
export type Order<T> = (a: T, b: T) => number;

export const byKey: Order<Keyed> = (a, b) => a.key.compare(b.key);

const runLength = 4096;

interface Head<T> {
  readonly run: readonly T[];
  at: number;
  /** Equal keys keep the order in which they were added. */
  readonly age: number;
}

export class Sorter<T> {
  private runs: T[][] = [];
  private current: T[] = [];
  private heap: Head<T>[] | undefined;
  private readonly keep: number;
  private kept = 0;
  private readonly sizeOf: (row: T) => number;
  private readonly order: Order<T>;
  /** Bytes of the held rows. */
  bytes = 0;

  /** @param keep how many of the first rows are wanted */
  constructor(order: Order<T>, keep: number, sizeOf: (row: T) => number) {
    this.order = order;
    this.keep = keep;
    this.sizeOf = sizeOf;
  }

  add(row: T): void {
    this.current.push(row);
    this.bytes += this.sizeOf(row);
    if (this.current.length < runLength) return;
    this.closeRun();
    // Rows that can't be among the first `keep` are dropped, once there are as many again.
    if (this.kept >= this.keep * 2 + 4 * runLength) this.prune();
  }

  private closeRun(): void {
    if (this.current.length === 0) return;
    this.current.sort(this.order);
    const run = this.current.length > this.keep ? this.current.slice(0, this.keep) : this.current;
    if (run !== this.current) this.bytes -= sum(this.current.slice(this.keep), this.sizeOf);
    this.runs.push(run);
    this.kept += run.length;
    this.current = [];
  }

  private prune(): void {
    const first: T[] = [];
    for (let row = this.next(); row !== undefined && first.length < this.keep; row = this.next())
      first.push(row);
    this.heap = undefined;
    this.runs = [first];
    this.kept = first.length;
    this.bytes = sum(first, this.sizeOf);
  }

  /** The next row in order. Nothing may be added after the first call. */
  next(): T | undefined {
    if (this.heap === undefined) {
      this.closeRun();
      this.heap = this.runs.map((run, age) => ({ run, at: 0, age }));
      for (let i = Math.floor(this.heap.length / 2) - 1; i >= 0; i--) this.sink(i);
    }
    const [head] = this.heap;
    if (head === undefined) return undefined;
    const row = head.run[head.at++];
    if (head.at >= head.run.length) {
      const last = this.heap.pop();
      if (last !== undefined && last !== head) this.heap[0] = last;
    }
    this.sink(0);
    return row;
  }

  private sink(start: number): void {
    const heap = this.heap as Head<T>[];
    let at = start;
    while (true) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < heap.length && this.before(heap[child] as Head<T>, heap[least] as Head<T>)) least = child;
      if (least === at) return;
      [heap[at], heap[least]] = [heap[least] as Head<T>, heap[at] as Head<T>];
      at = least;
    }
  }

  private before(a: Head<T>, b: Head<T>): boolean {
    const sign = this.order(a.run[a.at] as T, b.run[b.at] as T);
    return sign === 0 ? a.age < b.age : sign < 0;
  }
}

function sum<T>(rows: readonly T[], sizeOf: (row: T) => number): number {
  return rows.reduce((total, row) => total + sizeOf(row), 0);
}

/** Documents of a text search, best first. All matches are ranked before the first one is read, some at a time. */
import { isTurnOverNow, leaveToReader, type Pause, pause } from "../query/deadline.ts";
import { Sorter } from "../query/sorter.ts";
import type { Collection } from "../storage/collection.ts";
import { Guard } from "../storage/guard.ts";
import type { Index } from "../storage/index.ts";
import type { Stored } from "../storage/stored.ts";
import type { TextHit } from "../storage/text-table.ts";
import type { Counters, Source } from "./scan.ts";

const firstChunk = 1000;
/** FTS5 looks at all matches of a word again for each chunk, so chunks are large: some 20 ms each. */
const largestChunk = 8000;
/** Documents in a collection up to which a search takes a millisecond or two. */
const smallCollection = 1000;
/** Bytes of memory that a ranked row takes, with its score. */
const hitBytes = 100;

const bestFirst = ([a, scoreA]: TextHit, [b, scoreB]: TextHit): number => scoreB - scoreA || a - b;

export class TextScan implements Source {
  /** By row. Complete once the first document is there. */
  readonly scores = new Map<number, number>();
  private readonly collection: Collection;
  private readonly index: Index;
  /** An FTS5 expression. */
  private readonly match: string;
  private readonly counters: Counters;
  private readonly guard: Guard;
  private readonly ranked = new Sorter<TextHit>(bestFirst, Number.POSITIVE_INFINITY, () => hitBytes);
  private last = -1;
  private chunk = firstChunk;
  private gathered = false;

  constructor(collection: Collection, index: Index, match: string | undefined, counters: Counters) {
    this.collection = collection;
    this.index = index;
    this.match = match ?? "";
    this.gathered = match === undefined;
    this.counters = counters;
    this.guard = new Guard(collection, index);
  }

  next(): Stored | Pause | undefined {
    this.guard.check();
    if (!this.gathered && this.collection.estimate() > smallCollection) leaveToReader();
    while (!this.gathered) {
      this.gather();
      if (isTurnOverNow()) return pause;
    }
    while (true) {
      const hit = this.ranked.next();
      if (hit === undefined) return undefined;
      const found = this.collection.byRow(hit[0]);
      if (found === undefined) continue;
      this.counters.documents++;
      return found;
    }
  }

  private gather(): void {
    const hits = this.index.text?.search(this.match, this.last, this.chunk) ?? [];
    for (const hit of hits) {
      this.ranked.add(hit);
      this.scores.set(hit[0], hit[1]);
    }
    this.counters.keys += hits.length;
    this.last = hits.at(-1)?.[0] ?? this.last;
    this.gathered = hits.length < this.chunk;
    this.chunk = Math.min(largestChunk, this.chunk * 4);
  }

  release(): void {
    // Nothing is read ahead.
  }
}

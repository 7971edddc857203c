/** One queue of the in-process bus: order, prefetch, competing consumers or a single active one. */
import type { Envelope } from "../../contract/envelope.ts";
import { Fifo } from "./fifo.ts";

/** A message in a queue. `settled` tells its publisher, and whether it was given up. */
export interface Entry {
  readonly message: Envelope;
  readonly seq: number;
  redelivered: boolean;
  settled(buried: boolean): void;
}

/** One consumer's stay in the queue. Entries taken belong to it until they are settled or it leaves. */
export class Seat {
  readonly prefetch: number;
  readonly onEntry: (entry: Entry, seat: Seat) => void;
  readonly taken = new Set<Entry>();
  readonly #over = new AbortController();
  paused = false;

  constructor(prefetch: number, onEntry: (entry: Entry, seat: Seat) => void) {
    this.prefetch = prefetch;
    this.onEntry = onEntry;
  }

  get free(): boolean {
    return !this.paused && this.taken.size < this.prefetch;
  }

  /** Fires when it should not go on trying for its entries. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  abandon(): void {
    this.#over.abort();
  }
}

export class LocalQueue {
  readonly name: string;
  readonly #single: boolean;
  /** Called when there may be something to hand over. */
  readonly #wake: (queue: LocalQueue) => void;
  readonly #entries = new Fifo<Entry>();
  #seats: Seat[] = [];
  #next = 0;
  #seq = 0;
  scheduled = false;

  constructor(name: string, singleActiveConsumer: boolean, wake: (queue: LocalQueue) => void) {
    this.name = name;
    this.#single = singleActiveConsumer;
    this.#wake = wake;
  }

  get length(): number {
    return this.#entries.length;
  }

  put(message: Envelope, redelivered: boolean, settled: (buried: boolean) => void): void {
    this.#entries.push({ message, seq: this.#seq++, redelivered, settled });
    this.#wakeIfDue();
  }

  sit(seat: Seat): void {
    this.#seats.push(seat);
    this.#wakeIfDue();
  }

  /** The seat goes; what it has not settled goes back to the head of the queue, in order. @returns how many */
  leave(seat: Seat): number {
    if (!this.#seats.includes(seat)) return 0;
    this.#seats = this.#seats.filter((it) => it !== seat);
    seat.abandon();
    const back = [...seat.taken].sort((a, b) => a.seq - b.seq);
    seat.taken.clear();
    for (const entry of back) entry.redelivered = true;
    if (back.length > 0) this.#entries.putBack(back);
    this.#wakeIfDue();
    return back.length;
  }

  /** Takes an entry off for good; nothing happens where its seat has gone, as it comes again then. */
  settle(entry: Entry, seat: Seat, buried = false): void {
    if (!seat.taken.delete(entry)) return;
    entry.settled(buried);
    this.#wakeIfDue();
  }

  /** Hands out what fits of what is there now; what handlers add meanwhile is for the next turn. */
  deliver(): void {
    for (let left = this.#entries.length; left > 0; left--) {
      const seat = this.#free();
      const entry = seat && this.#entries.shift();
      if (!entry) return;
      seat.taken.add(entry);
      seat.onEntry(entry, seat);
    }
  }

  #free(): Seat | undefined {
    if (this.#single) return this.#seats[0]?.free ? this.#seats[0] : undefined;
    for (let i = 0; i < this.#seats.length; i++) {
      const index = (this.#next + i) % this.#seats.length;
      const seat = this.#seats[index];
      if (!seat?.free) continue;
      this.#next = index + 1;
      return seat;
    }
    return undefined;
  }

  #wakeIfDue(): void {
    if (!this.scheduled && this.#entries.length > 0) this.#wake(this);
  }
}

/** One queue of the in-process bus: order, prefetch, competing consumers or a single active one. */
import type { Envelope } from "../../contract/envelope.ts";
import { Fifo } from "./fifo.ts";

/** A message in a queue. `settled` informs its publisher, also when the message was given up. */
export interface Entry {
  readonly message: Envelope;
  readonly seq: number;
  redelivered: boolean;
  settled(deadLettered: boolean): void;
}

/** One consumer of the queue. Its entries belong to it until they are settled or it leaves. */
export class LocalConsumer {
  readonly prefetch: number;
  readonly onEntry: (entry: Entry, consumer: LocalConsumer) => void;
  readonly taken = new Set<Entry>();
  readonly #over = new AbortController();
  paused = false;

  constructor(prefetch: number, onEntry: (entry: Entry, consumer: LocalConsumer) => void) {
    this.prefetch = prefetch;
    this.onEntry = onEntry;
  }

  get free(): boolean {
    return !this.paused && this.taken.size < this.prefetch;
  }

  /** Fires when it should stop trying to handle its entries. */
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
  /** Called when there may be something to deliver. */
  readonly #onReady: (queue: LocalQueue) => void;
  readonly #entries = new Fifo<Entry>();
  #consumers: LocalConsumer[] = [];
  #next = 0;
  #seq = 0;
  scheduled = false;

  constructor(name: string, singleActiveConsumer: boolean, wake: (queue: LocalQueue) => void) {
    this.name = name;
    this.#single = singleActiveConsumer;
    this.#onReady = wake;
  }

  get length(): number {
    return this.#entries.length;
  }

  put(message: Envelope, redelivered: boolean, settled: (deadLettered: boolean) => void): void {
    this.#entries.push({ message, seq: this.#seq++, redelivered, settled });
    this.#wakeIfDue();
  }

  add(consumer: LocalConsumer): void {
    this.#consumers.push(consumer);
    this.#wakeIfDue();
  }

  /** Removes a consumer. Its unsettled entries return to the head of the queue, in order. @returns how many */
  leave(consumer: LocalConsumer): number {
    if (!this.#consumers.includes(consumer)) return 0;
    this.#consumers = this.#consumers.filter((it) => it !== consumer);
    consumer.abandon();
    const back = [...consumer.taken].sort((a, b) => a.seq - b.seq);
    consumer.taken.clear();
    for (const entry of back) entry.redelivered = true;
    if (back.length > 0) this.#entries.putBack(back);
    this.#wakeIfDue();
    return back.length;
  }

  /**
   * Removes an entry for good. Does nothing where its consumer has left, because the entry is delivered again then.
   */
  settle(entry: Entry, consumer: LocalConsumer, deadLettered = false): void {
    if (!consumer.taken.delete(entry)) return;
    entry.settled(deadLettered);
    this.#wakeIfDue();
  }

  /** Delivers what is there now, within the prefetch. Entries that handlers add wait for the next pass. */
  deliver(): void {
    for (let left = this.#entries.length; left > 0; left--) {
      const consumer = this.#free();
      const entry = consumer && this.#entries.shift();
      if (!entry) return;
      consumer.taken.add(entry);
      consumer.onEntry(entry, consumer);
    }
  }

  #free(): LocalConsumer | undefined {
    if (this.#single) return this.#consumers[0]?.free ? this.#consumers[0] : undefined;
    for (let i = 0; i < this.#consumers.length; i++) {
      const index = (this.#next + i) % this.#consumers.length;
      const consumer = this.#consumers[index];
      if (!consumer?.free) continue;
      this.#next = index + 1;
      return consumer;
    }
    return undefined;
  }

  #wakeIfDue(): void {
    if (!this.scheduled && this.#entries.length > 0) this.#onReady(this);
  }
}

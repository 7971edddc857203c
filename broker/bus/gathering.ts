/**
 * Messages on their way into a tap. They are handed over in batches, one batch at a time. What arrives meanwhile is in
 * the next one. Both adapters use it.
 */
import type { RateLimitedLog } from "../resilience/rate-limited-log.ts";
import { backoff, pause, toError } from "../resilience/retry.ts";
import { TAP_BATCH, type Tapped } from "./bus.ts";

/**
 * How long a message waits for others while there are many. It delays confirms a little, and saves most of the cost of a
 * copy of every message, because a write costs much more than one more message in it.
 */
const LINGER_MS = 25;
/** Messages in the last batch, from which on there are many. With fewer, nobody waits: a request may await a confirm. */
const MANY = 6;

export interface Gathered extends Tapped {
  /** Called once the handler has it. */
  settle(): void;
}

type Handler = (batch: readonly Tapped[]) => Promise<void>;

export class Gathering {
  readonly #name: string;
  readonly #limitedLog: RateLimitedLog;
  #waiting: Gathered[] = [];
  #handle: Handler | undefined;
  #over = new AbortController();
  #running: Promise<void> | undefined;
  #linger: NodeJS.Timeout | undefined;
  #soon = false;
  #latest = 0;

  /** @param name of the queue, for the log */
  constructor(name: string, limitedLog: RateLimitedLog) {
    this.#name = name;
    this.#limitedLog = limitedLog;
  }

  get hasConsumer(): boolean {
    return this.#handle !== undefined;
  }

  add(it: Gathered): void {
    this.#waiting.push(it);
    if (this.#waiting.length >= TAP_BATCH) this.#run();
    else this.#runSoon();
  }

  /** @throws where it has a handler already */
  attach(handle: Handler): void {
    if (this.#handle) throw new Error(`${this.#name} has a consumer already`);
    this.#handle = handle;
    this.#over = new AbortController();
    if (this.#waiting.length > 0) this.#run();
  }

  /** Hands over no more. Resolves when the running batch is settled or given back. The rest waits. */
  async detach(): Promise<void> {
    this.#handle = undefined;
    clearTimeout(this.#linger);
    this.#linger = undefined;
    this.#over.abort();
    await this.#running;
  }

  /** Forgets what waits. The queue delivers it again. */
  clear(): void {
    this.#waiting = [];
  }

  #runSoon(): void {
    if (this.#running || !this.#handle) return;
    if (this.#latest >= MANY) this.#linger ??= setTimeout(() => this.#run(), LINGER_MS);
    else if (!this.#soon) {
      this.#soon = true;
      // More may arrive in this pass of the event loop.
      setImmediate(() => {
        this.#soon = false;
        this.#run();
      });
    }
  }

  #run(): void {
    clearTimeout(this.#linger);
    this.#linger = undefined;
    const handle = this.#handle;
    if (!handle || this.#running || this.#waiting.length === 0) return;
    const batch = this.#waiting.splice(0, TAP_BATCH);
    this.#latest = batch.length;
    this.#running = this.#handOver(batch, handle).then(() => {
      this.#running = undefined;
      if (this.#waiting.length >= TAP_BATCH) this.#run();
      else if (this.#waiting.length > 0) this.#runSoon();
    });
  }

  /** Never rejects. A batch that is not handled when the consumer leaves goes back to the front. */
  async #handOver(batch: Gathered[], handle: Handler): Promise<void> {
    const over = this.#over.signal;
    for (let tries = 1; ; tries++) {
      try {
        await handle(batch);
        for (const it of batch) it.settle();
        return;
      } catch (thrown) {
        const error = toError(thrown).message;
        this.#limitedLog.warn(this.#name, `${this.#name}: a batch failed, trying again`, { error, tries });
      }
      await pause(backoff(tries), over);
      if (over.aborted) break;
    }
    this.#waiting.unshift(...batch);
  }
}

/**
 * Callers that wait for an actor's next version. Commits of this node resolve them at once, polling does it
 * otherwise.
 */
import { SoukError } from "../../contract/errors.ts";
import type { Snapshot } from "./document/actor-host.types.ts";

interface Waiter<S> {
  after: number;
  until: ((state: S) => boolean) | undefined;
  resolve(snapshot: Snapshot<S> | null): void;
  reject(error: unknown): void;
  timer: NodeJS.Timeout;
}

export interface VersionWaitersOptions<S> {
  /** Milliseconds between two polls for commits of other nodes. */
  pollMs: number;
  /** Maximum number of waiting callers. */
  limit: number;
  readMany(ids: readonly string[]): Promise<Snapshot<S>[]>;
  /** Called when a poll failed. Polling continues. */
  onError(error: unknown): void;
}

export class VersionWaiters<S extends object> {
  readonly #options: VersionWaitersOptions<S>;
  readonly #waiters = new Map<string, Set<Waiter<S>>>();
  #count = 0;
  #poll: NodeJS.Timeout | undefined;

  constructor(options: VersionWaitersOptions<S>) {
    this.#options = options;
  }

  /** @throws SoukError OVERLOADED when too many callers wait */
  next(
    id: string,
    after: number,
    waitMs: number,
    until?: (state: S) => boolean,
  ): Promise<Snapshot<S> | null> {
    if (this.#count >= this.#options.limit) throw new SoukError("OVERLOADED");
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#leave(id, waiter)?.resolve(null), waitMs);
      const waiter: Waiter<S> = { after, until, resolve, reject, timer };
      const waiters = this.#waiters.get(id) ?? new Set();
      this.#waiters.set(id, waiters.add(waiter));
      this.#count++;
      this.#poll ??= setTimeout(() => void this.#look(), this.#options.pollMs);
    });
  }

  /** A version of the actor was committed or read. */
  seen(snapshot: Snapshot<S>): void {
    const waiters = this.#waiters.get(snapshot.id);
    if (!waiters) return;
    for (const waiter of waiters) {
      try {
        if (snapshot.version <= waiter.after || !(waiter.until?.(snapshot.state) ?? true)) continue;
        this.#leave(snapshot.id, waiter)?.resolve(snapshot);
      } catch (error) {
        this.#leave(snapshot.id, waiter)?.reject(error);
      }
    }
  }

  /** Whether any caller waits for this actor. */
  has(id: string): boolean {
    return this.#waiters.has(id);
  }

  /** Resolves all callers with null. */
  close(): void {
    clearTimeout(this.#poll);
    for (const [id, waiters] of this.#waiters)
      for (const waiter of waiters) this.#leave(id, waiter)?.resolve(null);
  }

  #leave(id: string, waiter: Waiter<S>): Waiter<S> | undefined {
    const waiters = this.#waiters.get(id);
    if (!waiters?.delete(waiter)) return undefined;
    clearTimeout(waiter.timer);
    this.#count--;
    if (waiters.size === 0) this.#waiters.delete(id);
    return waiter;
  }

  async #look(): Promise<void> {
    try {
      if (this.#count > 0)
        for (const snapshot of await this.#options.readMany([...this.#waiters.keys()])) this.seen(snapshot);
    } catch (error) {
      this.#options.onError(error);
    }
    this.#poll = this.#count > 0 ? setTimeout(() => void this.#look(), this.#options.pollMs) : undefined;
  }
}

/** Maximum number of items in one command. */
const MAX_GROUP = 500;

/**
 * Collects items for commands that carry many. An item is sent at the end of the event loop's pass when a further
 * command may be in flight. Else it waits, and the next command carries all that wait. This saves most of the cost of
 * commands under load.
 */
export class Batcher<T> {
  readonly #send: (group: readonly T[]) => Promise<void>;
  readonly #inFlight: number;
  #waiting: T[] = [];
  #sending = 0;
  #scheduled = false;
  #latest: Promise<void> | undefined;

  /**
   * @param send sends one command; it must not throw, because each item has its own caller
   * @param inFlight how many commands may be in flight
   */
  constructor(send: (group: readonly T[]) => Promise<void>, inFlight = 1) {
    this.#send = send;
    this.#inFlight = inFlight;
  }

  /** Resolves when the command in flight has returned. Undefined when a further one may be sent at once. */
  get underWay(): Promise<void> | undefined {
    return this.#sending < this.#inFlight ? undefined : this.#latest;
  }

  add(item: T): void {
    this.#waiting.push(item);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#sending >= this.#inFlight) return;
    this.#scheduled = true;
    // More items may arrive before the event loop continues.
    setImmediate(() => {
      this.#scheduled = false;
      while (this.#waiting.length > 0 && this.#sending < this.#inFlight) this.#sendNext();
    });
  }

  #sendNext(): void {
    this.#sending++;
    this.#latest = this.#send(this.#waiting.splice(0, MAX_GROUP)).then(() => {
      this.#sending--;
      // What has waited for this command has no pass of the event loop to wait for.
      if (this.#waiting.length > 0) this.#sendNext();
    });
  }
}

/** Maximum number of items in one command. */
const MAX_GROUP = 500;

/**
 * Collects the items that arrive while a command is in flight. The next command carries all of them. This saves most
 * of the cost of commands under load. An item is sent at once when no command is in flight.
 */
export class Batcher<T> {
  readonly #send: (group: readonly T[]) => Promise<void>;
  #waiting: T[] = [];
  #sending = false;
  #underWay: Promise<void> | undefined;

  /** @param send sends one command; it must not throw, because each item has its own caller */
  constructor(send: (group: readonly T[]) => Promise<void>) {
    this.#send = send;
  }

  /** Resolves when the command in flight has returned. Undefined when none is in flight. */
  get underWay(): Promise<void> | undefined {
    return this.#underWay;
  }

  add(item: T): void {
    this.#waiting.push(item);
    if (this.#sending) return;
    this.#sending = true;
    // More items may arrive before the event loop continues.
    setImmediate(() => void this.#sendAll());
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      this.#underWay = this.#send(this.#waiting.splice(0, MAX_GROUP));
      await this.#underWay;
      this.#underWay = undefined;
    }
    this.#sending = false;
  }
}

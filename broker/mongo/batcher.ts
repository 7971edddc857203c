/** Items in one command. */
const MAX_GROUP = 500;

/**
 * Items that come while a command is under way wait and go out together in the next one. At load this saves most of what
 * commands cost; with nothing under way an item goes at once.
 */
export class Batcher<T> {
  readonly #send: (group: readonly T[]) => Promise<void>;
  #waiting: T[] = [];
  #sending = false;
  #underWay: Promise<void> | undefined;

  /** @param send one command; must not throw, as each item has somebody of its own to be told */
  constructor(send: (group: readonly T[]) => Promise<void>) {
    this.#send = send;
  }

  /** Resolves when the command that is under way is back; undefined where none is. */
  get underWay(): Promise<void> | undefined {
    return this.#underWay;
  }

  add(item: T): void {
    this.#waiting.push(item);
    if (this.#sending) return;
    this.#sending = true;
    // The rest of this turn of the event loop may have more.
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

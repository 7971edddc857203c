/** Bounds how many works run at once. Further ones wait, in order. */
import { Fifo } from "../local/fifo.ts";

export class Slots {
  readonly #waiting = new Fifo<() => void>();
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  async run(work: () => Promise<void>): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}

/** A job that runs repeatedly, one run after the other, with a jittered pause in between. */

import { inTime, within } from "./deadline.ts";
import { toError } from "./retry.ts";

/** A longer step counts as failed and is left alone, so that a hanging step does not stop the loop. */
const STEP_MS = 30_000;
/** How long a stop waits for a step. */
const STOP_MS = 5_000;

export class Loop {
  readonly #everyMs: number;
  readonly #step: () => Promise<void>;
  readonly #onError: (error: Error) => void;
  #timer: NodeJS.Timeout | undefined;
  #current: Promise<void> = Promise.resolve();
  #running = false;

  /** @param onError called when a step failed; the loop continues */
  constructor(everyMs: number, step: () => Promise<void>, onError: (error: Error) => void) {
    this.#everyMs = everyMs;
    this.#step = step;
    this.#onError = onError;
  }

  get isRunning(): boolean {
    return this.#running;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#schedule();
  }

  /** Resolves when the running step has ended, or after a time limit. */
  stop(): Promise<void> {
    this.#running = false;
    clearTimeout(this.#timer);
    return within(STOP_MS, this.#current);
  }

  #schedule(): void {
    this.#timer = setTimeout(
      () => {
        this.#current = this.#run();
      },
      this.#everyMs * (0.75 + Math.random() / 4),
    );
  }

  async #run(): Promise<void> {
    try {
      await inTime(STEP_MS, this.#step());
    } catch (error) {
      this.#onError(toError(error));
    }
    if (this.#running) this.#schedule();
  }
}

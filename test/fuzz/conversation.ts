/** One connection to the shop. It writes bytes, and expects answers in time. */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { SeededRandom } from "../support/seeded-random.ts";
import { nextAnswer, type WireAnswer } from "./wire.ts";

export class Hang extends Error {
  override readonly name = "Hang";
}

export class Conversation {
  readonly #socket: Socket;
  readonly #timeoutMs: number;
  #bytes: Buffer = Buffer.alloc(0);
  #closed = false;
  #wake: (() => void) | undefined;

  /** @param timeoutMs for an answer, or for an end */
  constructor(url: URL, timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#socket = connect({ host: url.hostname, port: Number(url.port), allowHalfOpen: true });
    this.#socket.on("data", (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake?.();
    });
    const close = () => {
      this.#closed = true;
      this.#wake?.();
    };
    // A reset is an end like any other.
    this.#socket.on("error", close).on("close", close).on("end", close);
  }

  get closed(): boolean {
    return this.#closed;
  }

  write(bytes: Buffer): void {
    if (!this.#closed) this.#socket.write(bytes);
  }

  /** In pieces, with pauses. */
  async trickle(bytes: Buffer, random: SeededRandom): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#closed; ) {
      const size = random.between(1, Math.max(1, Math.ceil(bytes.length / 4)));
      this.write(bytes.subarray(at, at + size));
      at += size;
      await sleep(random.between(0, 15));
    }
  }

  /** Ends this half: nothing more is written. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** @returns undefined where the other side has closed first. @throws {Hang} */
  async answer(method: string): Promise<WireAnswer | undefined> {
    for (const until = performance.now() + this.#timeoutMs; ; ) {
      const next = nextAnswer(this.#bytes, method, this.#closed);
      if (next) {
        this.#bytes = this.#bytes.subarray(next.length);
        return next.answer;
      }
      if (this.#closed) return undefined;
      await this.#news(until - performance.now(), "no answer");
    }
  }

  /** Waits until the other side has closed. @throws {Hang} */
  async closing(): Promise<void> {
    for (const until = performance.now() + this.#timeoutMs; !this.#closed; )
      await this.#news(until - performance.now(), "not closed");
  }

  async #news(ms: number, what: string): Promise<void> {
    if (ms <= 0) throw new Hang(`${what} within ${this.#timeoutMs} ms`);
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
    this.#wake = undefined;
  }
}

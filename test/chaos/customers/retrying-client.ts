/** HTTP with retries: a request without a definite answer is sent again unchanged. */
import { setTimeout as sleep } from "node:timers/promises";

export interface Answer<T> {
  status: number;
  body: T;
}

export interface ClientOptions {
  url: string;
  /** From the first try until it gives up, in milliseconds. */
  retryForMs: number;
  /** For one try. */
  timeoutMs: number;
}

export interface RequestOptions {
  headers?: Record<string, string>;
  body?: unknown;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_500;

export class RetryingClient {
  readonly counts = { requests: 0, repeated: 0, gaveUp: 0 };
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** A client of the same shop that gives up earlier, or later. */
  with(options: Partial<ClientOptions>): RetryingClient {
    return new RetryingClient({ ...this.#options, ...options });
  }

  /**
   * Sends until there is a definite answer. A failed connection, a time-out, 5xx, 429 and "the first request with
   * this key is still running" are not definite. `path` is below /api/v1.
   * @returns null when the time is over and the outcome is unknown
   */
  async send<T>(method: string, path: string, options: RequestOptions = {}): Promise<Answer<T> | null> {
    const until = performance.now() + this.#options.retryForMs;
    let pause = FIRST_PAUSE_MS;
    for (;;) {
      const answer = await this.try<T>(method, path, options);
      if (answer && isDefinite(answer)) return answer;
      if (performance.now() + pause > until) break;
      this.counts.repeated++;
      await sleep(pause);
      pause = Math.min(pause * 1.6, LONGEST_PAUSE_MS);
    }
    this.counts.gaveUp++;
    return null;
  }

  /** One try. @returns null where there was no whole answer */
  async try<T>(method: string, path: string, { headers, body }: RequestOptions): Promise<Answer<T> | null> {
    this.counts.requests++;
    const payload = body === undefined ? {} : { body: JSON.stringify(body) };
    const type = body === undefined ? {} : { "content-type": "application/json" };
    try {
      const reply = await fetch(`${this.#options.url}/api/v1${path}`, {
        method,
        headers: { ...headers, ...type },
        signal: AbortSignal.timeout(this.#options.timeoutMs),
        ...payload,
      });
      const text = await reply.text();
      return { status: reply.status, body: (text ? JSON.parse(text) : null) as T };
    } catch {
      // Refused, reset, timed out or cut off: the customer has no answer.
      return null;
    }
  }
}

function isDefinite({ status, body }: Answer<unknown>): boolean {
  if (status >= 500 || status === 429) return false;
  return !(status === 409 && (body as { code?: string } | null)?.code === "IDEMPOTENCY_IN_PROGRESS");
}

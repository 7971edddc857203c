/**
 * What every emulator of a payment provider is to scripts and tests: an HTTP server that speaks the provider's own
 * routes, keeps its books in memory, and sends the provider's webhooks. The official SDKs work against it unchanged.
 * It is also where faults come from: knobs set how the network and the customer behave.
 */
import type { Clock } from "../../../broker/resilience/clock.ts";

export interface EmulatorOptions {
  /** 0 picks a free one. */
  readonly port: number;
  /** Where webhooks go unless a payment names its own address; asked at each delivery. */
  webhookUrl(): string;
  /** How often webhooks are repeated: the provider's own waits are divided by it. 1 is real time. */
  readonly timeScale: number;
  /** Times of the provider's books and signatures. */
  readonly clock: Clock;
  /** Decides what the probabilities of {@link Knobs} say, from 0 to below 1; seeded in tests. */
  random(): number;
}

/**
 * What a person with a card or a phone would do. `tooMuch`: pays, but the webhook and the books say another amount; refused
 * where nobody can do that.
 */
export type Outcome = "succeed" | "decline" | "expire" | "cancel" | "tooMuch";

/** How webhooks travel. Probabilities from 0 to 1, of each delivery. */
export interface WebhookFaults {
  /** Sent a second time, a little later. */
  readonly duplicate: number;
  /** Held back until a later one has gone out. */
  readonly reorder: number;
  /** Never sent, nor repeated; the books know better. */
  readonly drop: number;
  /** The body is changed after it was signed. */
  readonly tamper: number;
  /** Before it is sent, in real milliseconds. */
  readonly delayMs: number;
  /** Sent, and answered, before the HTTP answer of the request that caused it, where a request did. */
  readonly race: boolean;
}

/** CrashPoints of the provider's API. Each counts down with the requests it meets. */
export interface ApiFaults {
  /** As in "POST /v1/refunds", with a `*` for any one segment; all requests unless given. */
  readonly route?: string;
  readonly times: number;
  /**
   * A status code: answered with the provider's own error body, nothing done. `timeout`: done, but never answered.
   * `reset`: done, the connection is cut. `unreachable`: cut before anything is done.
   */
  readonly fault: 401 | 429 | 500 | 503 | "timeout" | "reset" | "unreachable";
}

export interface Knobs {
  webhooks: WebhookFaults;
  api: ApiFaults[];
  /** What customers do by themselves, this long after a payment was opened; null waits for `pay`. */
  autopay: { readonly outcome: Outcome; readonly afterMs: number } | null;
}

/** One payment as the provider's books have it. Amounts in minor units. */
export interface BookEntry {
  readonly providerRef: string;
  /** Our payment's id, where the provider was told. */
  readonly paymentId: string | null;
  readonly status: string;
  readonly amount: number;
  readonly currency: string;
  readonly captured: number;
  readonly refunded: number;
}

export interface Emulator {
  readonly name: string;
  readonly url: string;
  /** The variables by which a shop uses this emulator: addresses, keys, secrets. */
  readonly environment: Readonly<Record<string, string>>;
  /** Changed in place, in effect from the next request on; over HTTP: `GET` and `PATCH /_sim/knobs`. */
  readonly knobs: Knobs;
  /** Acts as the customer of a payment. Over HTTP: `POST /_sim/pay/:providerRef` `{ outcome }`. */
  pay(providerRef: string, outcome: Outcome): Promise<void>;
  /** Gives money back from the provider's own dashboard. Over HTTP: `POST /_sim/refund/:providerRef` `{ amount }`. */
  refundAtProvider(providerRef: string, amount: number): Promise<void>;
  /** The customer's bank takes the money back. Over HTTP: `POST /_sim/dispute/:providerRef`. */
  dispute(providerRef: string): Promise<void>;
  /** Over HTTP: `GET /_sim/books`. */
  books(): readonly BookEntry[];
  /** Resolves when no webhook is waiting to be sent or repeated. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export type StartEmulator = (options: EmulatorOptions) => Promise<Emulator>;

/** No faults. */
export const calm = (): Knobs => ({
  webhooks: { duplicate: 0, reorder: 0, drop: 0, tamper: 0, delayMs: 0, race: false },
  api: [],
  autopay: null,
});

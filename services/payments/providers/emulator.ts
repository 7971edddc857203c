/**
 * The interface of every emulator of a payment provider. It is an HTTP server with the provider's own routes. It
 * keeps its accounts in memory and sends the provider's webhooks. The official SDKs work with it unchanged. It also
 * simulates faults: its settings control how the network and the customer behave.
 */
import type { Clock } from "../../../broker/resilience/clock.ts";

export interface EmulatorOptions {
  /** 0 picks a free one. */
  readonly port: number;
  /** Where webhooks go, unless a payment names its own address. Called at each delivery. */
  webhookUrl(): string;
  /** Divides the provider's waits between repeated webhooks. 1 is real time. */
  readonly timeScale: number;
  /** The clock of the provider's accounts and signatures. */
  readonly clock: Clock;
  /** Random number from 0 to below 1, for the probabilities of {@link Knobs}. Seeded in tests. */
  random(): number;
}

/**
 * Actions of a customer with a card or a phone. `tooMuch` pays, but the webhook and the accounts have another amount.
 * `withFee` pays what the provider has added for itself, too. Both are refused where no customer can do that.
 * `process` pays by a bank that is slow: `succeed` or `decline` follows, and is then the bank's doing.
 */
export type Outcome = "succeed" | "decline" | "expire" | "cancel" | "tooMuch" | "withFee" | "process";

/** Faults of webhooks. Probabilities from 0 to 1, for each delivery. */
export interface WebhookFaults {
  /** Sent a second time, a little later. */
  readonly duplicate: number;
  /** Held back until a later one was sent. */
  readonly reorder: number;
  /** Never sent or repeated. The accounts are right. */
  readonly drop: number;
  /** The body is changed after signing. */
  readonly tamper: number;
  /** Delay before it is sent, in real milliseconds. */
  readonly delayMs: number;
  /** Sent, and answered, before the HTTP answer of the request that caused it. */
  readonly race: boolean;
}

/** Faults of the provider's API. Each counts down with the requests that match it. */
export interface ApiFaults {
  /** For example "POST /v1/refunds", with `*` for any one segment. Default: all requests. */
  readonly route?: string;
  readonly times: number;
  /**
   * A status code: the provider's own error body, nothing done. `timeout`: done, but never answered. `reset`: done,
   * then the connection is closed. `unreachable`: the connection is closed before anything is done.
   */
  readonly fault: 401 | 429 | 500 | 503 | "timeout" | "reset" | "unreachable";
}

export interface Knobs {
  webhooks: WebhookFaults;
  api: ApiFaults[];
  /** What customers do on their own, this long after a payment was opened. Null waits for `pay`. */
  autopay: { readonly outcome: Outcome; readonly afterMs: number } | null;
}

/** One payment in the provider's accounts. Amounts in minor units. */
export interface ProviderRecord {
  readonly providerRef: string;
  /** Our payment's id, where the provider knows it. */
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
  /** The variables with which a shop uses this emulator: addresses, keys, secrets. */
  readonly environment: Readonly<Record<string, string>>;
  /** Changed in place, effective from the next request. Over HTTP: `GET` and `PATCH /_sim/knobs`. */
  readonly knobs: Knobs;
  /** Acts as the customer of a payment. Over HTTP: `POST /_sim/pay/:providerRef` `{ outcome }`. */
  pay(providerRef: string, outcome: Outcome): Promise<void>;
  /** Refunds from the provider's own dashboard. Over HTTP: `POST /_sim/refund/:providerRef` `{ amount }`. */
  refundAtProvider(providerRef: string, amount: number): Promise<void>;
  /** The customer's bank takes the money back. Over HTTP: `POST /_sim/dispute/:providerRef`. */
  dispute(providerRef: string): Promise<void>;
  /** Over HTTP: `GET /_sim/records`. */
  records(): readonly ProviderRecord[];
  /** Resolves when no webhook waits to be sent or repeated. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export type StartEmulator = (options: EmulatorOptions) => Promise<Emulator>;

/** Settings without faults. */
export const noFaults = (): Knobs => ({
  webhooks: { duplicate: 0, reorder: 0, drop: 0, tamper: 0, delayMs: 0, race: false },
  api: [],
  autopay: null,
});

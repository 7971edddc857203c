/**
 * The port to payment providers. A provider is one folder here and one line in index.ts; its contract facts are
 * in its own folder. Adapters do I/O only: what a report means for an order is decided by payment.actor.ts.
 */
import type { Connection } from "mongoose";
import type { Clock } from "../../../broker/clock.ts";
import type { Config } from "../../../broker/config.ts";
import { SoukError } from "../../../broker/errors.ts";
import type { Log } from "../../../broker/runtime.ts";
import type { Money } from "../../../broker/schemas.ts";
import type { NextAction } from "../../orders/orders.contract.ts";

/** What every provider's own statuses are mapped to. */
export type ProviderStatus =
  | "pending"
  | "authorized"
  | "captured"
  | "partially_refunded"
  | "refunded"
  | "failed"
  | "cancelled"
  | "expired"
  | "disputed";

export interface PaymentIntent {
  /** Our reference, and the idempotency key: asking again gives the same payment. */
  readonly paymentId: string;
  readonly orderId: string;
  readonly orderNumber: string;
  readonly customerId: string;
  readonly amount: Money;
  /** When the order gives up waiting. */
  readonly expiresAt: Date;
  /** What the customer chose beyond the provider, e.g. a phone number; each provider checks its own keys. */
  readonly options: Readonly<Record<string, string>>;
}

export interface OpenedPayment {
  readonly providerRef: string;
  readonly nextAction: NextAction;
  readonly expiresAt: Date | null;
}

export interface StatusReport {
  readonly status: ProviderStatus;
  /** What was taken, where the status says that something was. Minor units. */
  readonly amount: Money | null;
  /** The provider's number for the money itself (charge, transaction); two of them are two captures. */
  readonly receipt: string | null;
  /** Why it failed, in the provider's words; null where it did not. */
  readonly reason: string | null;
}

export interface RefundRequest {
  readonly providerRef: string;
  readonly amount: Money;
  readonly reason: string;
  /** The refund's id: asking again gives the same refund. */
  readonly idempotencyKey: string;
}

export interface Webhook {
  /** Exactly the bytes that came. */
  readonly rawBody: Buffer;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface WebhookEvent extends StatusReport {
  /** The same for every delivery of one event. */
  readonly eventId: string;
  readonly providerRef: string;
  /** Our reference, where the provider repeats it; else the payment is found by `providerRef`. */
  readonly paymentId: string | null;
  readonly occurredAt: Date;
}

/**
 * Every method but `verifyWebhook` may fail in two ways: {@link ProviderRefused}, which is final, or any other error,
 * after which it is unknown what the provider did; the caller then asks again with the same key. `signal` fires
 * when the caller stops waiting.
 */
export interface PaymentProvider {
  readonly name: string;
  /** Opens a payment; nothing is taken yet. */
  createPayment(intent: PaymentIntent, signal: AbortSignal): Promise<OpenedPayment>;
  /** Takes an authorised payment, or a part of it where the provider can. */
  capture(providerRef: string, amount: Money, idempotencyKey: string, signal: AbortSignal): Promise<void>;
  /** Sees to it that it can't be paid any more; a payment that is over already is fine. Refused when it is paid. */
  cancel(providerRef: string, signal: AbortSignal): Promise<void>;
  /** Resolves when the provider has taken it on for good. */
  refund(request: RefundRequest, signal: AbortSignal): Promise<void>;
  /** Asks the provider; changes nothing there. */
  fetchStatus(providerRef: string, signal: AbortSignal): Promise<StatusReport>;
  /** @throws {WebhookRejected} when it is not from the provider, is too old, or makes no sense */
  verifyWebhook(webhook: Webhook): Promise<WebhookEvent>;
  start?(): void | Promise<void>;
  stop?(): Promise<void>;
}

/** What an adapter is made from. */
export interface ProviderContext {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  /** The payments database; an adapter's collections begin with its name. */
  readonly database: Connection;
  /** Where the outside reaches the gateway, without a slash at the end. */
  publicUrl(): string;
}

/** Makes an adapter, or null where the provider is not configured. */
export type ProviderFactory = (context: ProviderContext) => PaymentProvider | null;

/** A definite no: trying again would give the same answer. `message` may be shown to customers. */
export class ProviderRefused extends Error {
  override readonly name = "ProviderRefused";
}

/** It is unknown whether the provider did it. Retried by workers, 502 for callers. */
export const providerFailed = (detail: string, cause?: unknown): SoukError =>
  Object.assign(new SoukError("PROVIDER_FAILED", detail), { cause });

/** `message` is for the log and holds no secrets. */
export class WebhookRejected extends Error {
  override readonly name = "WebhookRejected";
}

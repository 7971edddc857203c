/**
 * The port to payment providers. Adapters do I/O only: what a report means for an order is decided by payment.actor.ts.
 * define-provider.ts says what else a provider's folder has.
 */
import type { Connection } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import type { Money } from "../../../broker/contract/schemas.ts";
import type { Config } from "../../../broker/moleculer/config.ts";
import type { TypedCall } from "../../../broker/moleculer/handlers.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { Log } from "../../../broker/resilience/log.ts";
import type { NextAction } from "../../orders/orders.contract.ts";

/**
 * What every provider's own statuses are mapped to. `authorized`: the customer has agreed and the money waits for our
 * `capture` (also where the provider calls that "approved"). `failed` may be followed by a capture where the provider lets
 * the customer try again.
 */
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
  /** What the customer chose beyond the provider, e.g. a phone number. */
  readonly options: Readonly<Record<string, string>>;
}

export interface OpenedPayment {
  readonly providerRef: string;
  readonly nextAction: NextAction;
  readonly expiresAt: Date | null;
}

export interface StatusReport {
  readonly status: ProviderStatus;
  /** What was taken, where the status says that something was; for `authorized`, what may be. Minor units. */
  readonly amount: Money | null;
  /** The provider's number for the money itself (charge, transaction); two of them are two captures. */
  readonly receipt: string | null;
  /** Why it failed, in the provider's words; null where it did not. */
  readonly reason: string | null;
  /** All refunds that the provider knows or, in a webhook, those that it tells of; also such as we have not asked for. */
  readonly refunds: readonly RefundReport[];
  /** The provider does not let us look whether it is disputed. */
  readonly disputesUnseen?: boolean;
}

export interface RefundReport {
  /** Our id, where the provider repeats the idempotency key; null for a refund made at the provider. */
  readonly refundId: string | null;
  /** The provider's id. */
  readonly refundRef: string;
  readonly amount: Money;
  readonly status: "pending" | "succeeded" | "failed";
  readonly reason: string | null;
}

export interface RefundRequest {
  readonly providerRef: string;
  /** Number of the captured money, from its report. */
  readonly receipt: string | null;
  readonly amount: Money;
  readonly reason: string;
  /** The refund's id: asking again gives the same refund. */
  readonly idempotencyKey: string;
}

export interface CaptureRequest {
  readonly providerRef: string;
  readonly amount: Money;
  /** Asking again takes nothing more. */
  readonly idempotencyKey: string;
}

export interface Webhook {
  /** Exactly the bytes that came. */
  readonly rawBody: Buffer;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** What followed the provider's name in the path, see {@link ProviderContext.webhookUrl}; null without. */
  readonly key: string | null;
  /** Network address of the caller; null where it is not known. */
  readonly address: string | null;
}

export interface WebhookEvent extends StatusReport {
  /** The same for every delivery of one event. At most 180 characters. */
  readonly eventId: string;
  readonly providerRef: string;
  /** Our reference, where the provider repeats it; else the payment is found by `providerRef`. */
  readonly paymentId: string | null;
  readonly occurredAt: Date;
  /**
   * Where webhooks prove nothing: an amount that can't be true, whatever the provider answers. Staff are told of it, once
   * per payment; it decides nothing.
   */
  readonly mismatch?: { readonly expected: Money; readonly reported: Money };
}

/**
 * Every method but `verifyWebhook` may fail in three ways: {@link ProviderRefused}, which is final;
 * {@link ProviderMisconfigured}, which staff must mend; or any other error, after which it is unknown what the provider
 * did: the payment then asks again, later and with the same key. `signal` fires when the caller stops waiting.
 */
export interface PaymentProvider {
  readonly name: string;
  /** Opens no payments and takes no reports any more: it only brings to an end what it has opened. */
  readonly closed?: boolean;
  /**
   * Whether a verified webhook proves what it says. Where not (a static token, no signature at all), it is taken as a
   * hint, and `fetchStatus` is asked.
   */
  readonly webhooksProve: boolean;
  /** Opens a payment; nothing is taken yet. Refused for currencies that it does not take. */
  createPayment(intent: PaymentIntent, signal: AbortSignal): Promise<OpenedPayment>;
  /** Takes an authorised payment, or a part of it where the provider can; tells how it stands then. */
  capture(request: CaptureRequest, signal: AbortSignal): Promise<StatusReport>;
  /** Sees to it that it can't be paid any more; a payment that is over already is fine. Refused when it is paid. */
  cancel(providerRef: string, signal: AbortSignal): Promise<void>;
  /** `pending` where the provider has taken it on and reports its end later, by webhook and in `fetchStatus`. */
  refund(request: RefundRequest, signal: AbortSignal): Promise<RefundReport>;
  /** Asks the provider; changes nothing there. */
  fetchStatus(providerRef: string, signal: AbortSignal): Promise<StatusReport>;
  /** @throws {WebhookRejected} when it is not from the provider, is too old, or makes no sense */
  verifyWebhook(webhook: Webhook): Promise<WebhookEvent>;
  /**
   * The 2xx that this provider wants to read; `{ received: true }` unless given. Sent when the webhook is durable.
   */
  readonly webhookAnswer?: Readonly<Record<string, unknown>>;
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
  /** Calls an action, for a provider that is a service of the shop itself. */
  readonly call: TypedCall;
  /** Where the outside reaches the gateway, without a slash at the end. */
  publicUrl(): string;
  /**
   * Where the provider reports to. `key`, one unguessable path segment of at most 100 characters of [A-Za-z0-9_.-], comes
   * back in {@link Webhook.key}.
   */
  webhookUrl(key?: string): string;
}

/** A definite no: trying again would give the same answer. `message` may be shown to customers. */
export class ProviderRefused extends Error {
  override readonly name = "ProviderRefused";
}

/** Our credentials or settings are wrong. Staff see it; the payment can be tried again. `message` holds no secrets. */
export class ProviderMisconfigured extends Error {
  override readonly name = "ProviderMisconfigured";
}

/** It is unknown whether the provider did it: asked again by the payment, 502 for callers. */
export const providerFailed = (detail: string, cause?: unknown): SoukError =>
  Object.assign(new SoukError("PROVIDER_FAILED", detail), { cause });

/** `message` is for the log and holds no secrets. */
export class WebhookRejected extends Error {
  override readonly name = "WebhookRejected";
}

/**
 * The port of payment providers. Adapters only do I/O. payment.actor.ts decides what a report means for an order.
 * define-provider.ts explains the rest of a provider's folder.
 */
import type { Connection } from "mongoose";
import type { z } from "zod";
import { SoukError } from "../../../broker/contract/errors.ts";
import type { Money } from "../../../broker/contract/schemas.ts";
import type { Config } from "../../../broker/moleculer/config.ts";
import type { TypedCall } from "../../../broker/moleculer/handlers.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { Log } from "../../../broker/resilience/log.ts";
import type { NextAction } from "../../orders/orders.contract.ts";
import type { reportedStatus } from "../payments.contract.ts";

/**
 * The common statuses. Each provider's own statuses are mapped to them. `pending`: the customer must act.
 * `processing`: the customer has paid, and the bank is slow or a review is under way. The shop waits for its end and
 * asks nothing more of the customer. `authorized`: the customer has agreed, and
 * the money waits for our `capture` (some providers call that "approved"). A capture may follow `failed` where the
 * provider lets the customer try again.
 */
export type ProviderStatus = z.output<typeof reportedStatus>;

export interface PaymentIntent {
  /** Our reference, and the idempotency key: the same key gives the same payment. */
  readonly paymentId: string;
  readonly orderId: string;
  readonly orderNumber: string;
  readonly customerId: string;
  /**
   * The customer's address, as typed. Null where it is unknown. It goes to a provider only where the shop has said so,
   * see support/email.ts.
   */
  readonly email: string | null;
  readonly amount: Money;
  /** When the order stops waiting. */
  readonly expiresAt: Date;
  /** The customer's choices beyond the provider, for example a phone number. */
  readonly options: Readonly<Record<string, string>>;
  /** Page to which the provider sends the customer back. Null where the shop has named none. */
  readonly returnUrl: string | null;
}

export interface OpenedPayment {
  readonly providerRef: string;
  readonly nextAction: NextAction;
  readonly expiresAt: Date | null;
}

export interface StatusReport {
  readonly status: ProviderStatus;
  /**
   * What the customer has paid, where the status implies it, with whatever the provider has added. For `authorized`,
   * what may be captured. Minor units.
   */
  readonly amount: Money | null;
  /** What the provider says that we have asked for, where it says so beside `amount`. */
  readonly asked?: Money;
  /**
   * What the provider has added for itself and the customer has paid: a part of `amount`, and never the shop's. Only
   * as the provider declares it; a difference is no fee. Fees that the shop pays are none.
   */
  readonly fee?: Money;
  /** The provider's number of the money itself (charge, transaction). Two numbers are two captures. */
  readonly receipt: string | null;
  /** Reason of a failure, in the provider's words. Null without one. */
  readonly reason: string | null;
  /**
   * All refunds that the provider knows; in a webhook, those that it reports. Includes refunds that we have not
   * requested.
   */
  readonly refunds: readonly RefundReport[];
  /** We have no permission to see disputes at the provider. */
  readonly disputesUnseen?: boolean;
}

export interface RefundReport {
  /** Our id, where the provider repeats the idempotency key. Null for a refund made at the provider. */
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
  /** The refund's id: the same key gives the same refund. */
  readonly idempotencyKey: string;
}

export interface CaptureRequest {
  readonly providerRef: string;
  readonly amount: Money;
  /** The same key captures only once. */
  readonly idempotencyKey: string;
}

export interface Webhook {
  /** Exactly the received bytes. */
  readonly rawBody: Buffer;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The path segment after the provider's name, see {@link ProviderContext.webhookUrl}. Null without one. */
  readonly key: string | null;
  /** Network address of the caller. Null where unknown. */
  readonly address: string | null;
}

export interface WebhookEvent extends StatusReport {
  /** The same for every delivery of one event. At most 180 characters. */
  readonly eventId: string;
  readonly providerRef: string;
  /** Our reference, where the provider repeats it. Otherwise `providerRef` finds the payment. */
  readonly paymentId: string | null;
  readonly occurredAt: Date;
  /**
   * Set where webhooks prove nothing and this one has an impossible amount. Staff are told once per payment. It
   * decides nothing.
   */
  readonly mismatch?: { readonly expected: Money; readonly reported: Money };
}

/**
 * Every method except `verifyWebhook` may fail in three ways:
 * - {@link ProviderRefused} is final.
 * - {@link ProviderMisconfigured} must be fixed by staff.
 * - After any other error it is unknown what the provider did. The payment asks again later, with the same key.
 * `signal` fires when the caller stops waiting.
 */
export interface PaymentProvider {
  readonly name: string;
  /** It opens no more payments and accepts no more reports. It only completes what it has opened. */
  readonly closed?: boolean;
  /**
   * Whether a verified webhook proves its content. If not (a static token, no signature), it is a hint, and
   * `fetchStatus` is called.
   */
  readonly webhooksProve: boolean;
  /** How long `processing` may take, see {@link ProviderModule}. Set by `defineProvider`. Default: 14 days. */
  processingMs?: number;
  /** Opens a payment. Nothing is captured yet. Refused for unsupported currencies. */
  createPayment(intent: PaymentIntent, signal: AbortSignal): Promise<OpenedPayment>;
  /** Captures an authorised payment, or a part of it where the provider permits. Returns the new state. */
  capture(request: CaptureRequest, signal: AbortSignal): Promise<StatusReport>;
  /** Makes sure that it can't be paid any more. Succeeds for a payment that has ended. Refused when it is paid. */
  cancel(providerRef: string, signal: AbortSignal): Promise<void>;
  /** `pending` where the provider has accepted it and reports its end later, by webhook and in `fetchStatus`. */
  refund(request: RefundRequest, signal: AbortSignal): Promise<RefundReport>;
  /** Asks the provider. Changes nothing there. */
  fetchStatus(providerRef: string, signal: AbortSignal): Promise<StatusReport>;
  /** @throws {WebhookRejected} when it is not from the provider, too old, or invalid */
  verifyWebhook(webhook: Webhook): Promise<WebhookEvent>;
  /** The 2xx body that this provider expects. Default: `{ received: true }`. Sent when the webhook is durable. */
  readonly webhookAnswer?: Readonly<Record<string, unknown>>;
  start?(): void | Promise<void>;
  stop?(): Promise<void>;
}

/** What an adapter needs. */
export interface ProviderContext {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  /** The payments database. Names of an adapter's collections begin with the provider's name. */
  readonly database: Connection;
  /** Calls an action, for a provider that is a service of the shop itself. */
  readonly call: TypedCall;
  /** Public address of the gateway, without a slash at the end. */
  publicUrl(): string;
  /**
   * Address for the provider's reports. `key` is an unguessable path segment, at most 100 characters of
   * [A-Za-z0-9_.-]. It comes back in {@link Webhook.key}.
   */
  webhookUrl(key?: string): string;
}

/** A definite refusal: a retry would get the same answer. `message` may be shown to customers. */
export class ProviderRefused extends Error {
  override readonly name = "ProviderRefused";
}

/**
 * Our credentials or settings are wrong. Staff see it, and the payment can be tried again. `message` has no secrets.
 */
export class ProviderMisconfigured extends Error {
  override readonly name = "ProviderMisconfigured";
}

/** It is unknown whether the provider did it. The payment asks again. Callers get 502. */
export const providerFailed = (detail: string, cause?: unknown): SoukError =>
  Object.assign(new SoukError("PROVIDER_FAILED", detail), { cause });

/** `message` is for the log and has no secrets. */
export class WebhookRejected extends Error {
  override readonly name = "WebhookRejected";
}

/**
 * Receives a provider's report. It is verified over its raw bytes, stored under its event id, and acknowledged. Then
 * a message tells the payment. The stored webhook is its outbox. A repeated report finds the first one.
 */

import type { Model } from "mongoose";
import type { ActorDocument } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import { SoukError } from "../../../broker/contract/errors.ts";
import { derivedId } from "../../../broker/contract/ids.ts";
import { id as idSchema } from "../../../broker/contract/schemas.ts";
import type { Outbox, PendingMessage } from "../../../broker/mongo/document-outbox.ts";
import { collectionOf } from "../../../broker/mongo/documents.ts";
import { writeGroup } from "../../../broker/mongo/write-group.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { Log } from "../../../broker/resilience/log.ts";
import { rateLimitedLog } from "../../../broker/resilience/rate-limited-log.ts";
import type { PaymentState } from "../payment/state.ts";
import type { PaymentMetrics } from "../provider-calls/metrics.ts";
import type { Providers } from "../providers/create-providers.ts";
import {
  type PaymentProvider,
  type Webhook,
  type WebhookEvent,
  WebhookRejected,
} from "../providers/provider.ts";
import type { StoredWebhook } from "./webhook-inbox.model.ts";

export interface WebhookReceiver {
  providers: Providers;
  inbox: Model<StoredWebhook>;
  payments: Model<ActorDocument<PaymentState>>;
  outbox: Outbox;
  clock: Clock;
  log: Log;
  metrics: PaymentMetrics;
}

export interface IncomingWebhook {
  provider: string;
  /** The path segment after the provider's name. */
  key: string | null;
  headers: Readonly<Record<string, string>>;
  /** Raw body, base64. */
  body: string;
  /** Network address of the caller. */
  address: string | null;
}

/**
 * Resolves once the report is durable.
 * @returns the body that the provider expects
 * @throws {SoukError} PROVIDER_UNKNOWN; NOT_FOUND, where the provider is closed; WEBHOOK_REJECTED
 */
export async function receiveWebhook(
  to: WebhookReceiver,
  { provider, body, ...request }: IncomingWebhook,
): Promise<Readonly<Record<string, unknown>>> {
  const adapter = to.providers.find(provider);
  if (!adapter) throw new SoukError("PROVIDER_UNKNOWN", `There is no payment provider ${provider} here.`);
  if (adapter.closed) throw new SoukError("NOT_FOUND", `${provider} is switched off here.`);
  const answer = adapter.webhookAnswer ?? { received: true };
  const rawBody = Buffer.from(body, "base64");
  const event = await verified(to, adapter, { ...request, rawBody });
  const messages = await messagesFor(to, adapter, event);
  const _id = `${provider}:${event.eventId}`;
  const isNew = await writeGroup(collectionOf(to.inbox)).insertNew({
    _id,
    provider,
    providerRef: event.providerRef,
    body: rawBody,
    receivedAt: new Date(to.clock.now()),
    ...(messages.length > 0 ? { outbox: messages } : {}),
  });
  if (!isNew) {
    // Already handled, or its message is still in the first copy's outbox, where the sweep finds it.
    to.metrics.webhook(provider, "repeated");
    return answer;
  }
  to.metrics.webhook(provider, "accepted");
  if (messages.length > 0) to.outbox.relay(_id, messages);
  return answer;
}

async function verified(
  { metrics, log }: WebhookReceiver,
  adapter: PaymentProvider,
  webhook: Webhook,
): Promise<WebhookEvent> {
  try {
    return await adapter.verifyWebhook(webhook);
  } catch (error) {
    if (!(error instanceof WebhookRejected)) throw error;
    metrics.webhook(adapter.name, "rejected");
    // Anyone can send them by the thousand. The access log has each.
    rateLimitedLog(log).warn(`webhook ${adapter.name}`, "a webhook was rejected", {
      provider: adapter.name,
      reason: error.message,
      bytes: webhook.rawBody.length,
    });
    throw new SoukError("WEBHOOK_REJECTED");
  }
}

/**
 * The message to send: the webhook's report, or a request to ask the provider where webhooks prove nothing. None for
 * webhooks that decide nothing, such as `pending`; those are only stored. One about an unknown payment is stored too,
 * for staff. A refusal would only make the provider repeat it.
 */
async function messagesFor(
  { payments, outbox, clock }: WebhookReceiver,
  { name: provider, webhooksProve, processingMs }: PaymentProvider,
  event: WebhookEvent,
): Promise<PendingMessage[]> {
  const { eventId, providerRef, status, amount, asked = null, fee = null, receipt, reason, refunds } = event;
  const { mismatch } = event;
  if (status === "pending" && refunds.length === 0) return [];
  const paymentId =
    idSchema.safeParse(event.paymentId).data ?? (await paymentOf(payments, provider, providerRef));
  if (!paymentId) {
    const told = outbox.entry("payment.anomaly", providerRef, {
      id: derivedId(provider, eventId),
      paymentId: null,
      orderId: null,
      provider,
      providerRef,
      kind: "unknown_payment",
      expected: null,
      reported: amount,
      at: event.occurredAt.toISOString(),
    });
    return [told];
  }
  if (webhooksProve) {
    const notified = outbox.entry("payment.report", paymentId, {
      provider,
      eventId,
      providerRef,
      status,
      amount,
      asked,
      fee,
      receipt,
      reason,
      refunds: [...refunds],
      ...(status === "processing" && { processingMs }),
    });
    return [notified];
  }
  const check = outbox.entry("provider.check", paymentId, {
    provider,
    providerRef,
    receipt,
    disputed: status === "disputed",
    urgent: true,
  });
  if (!mismatch) return [check];
  const told = outbox.entry("payment.anomaly", paymentId, {
    id: derivedId("anomaly", paymentId, "amount_mismatch", provider),
    paymentId,
    orderId: await orderOf(payments, paymentId),
    provider,
    providerRef,
    kind: "amount_mismatch",
    ...mismatch,
    at: new Date(clock.now()).toISOString(),
  });
  return [check, told];
}

/** Null while the payment is not requested yet. */
async function orderOf(payments: WebhookReceiver["payments"], paymentId: string): Promise<string | null> {
  const found = await payments.findById(paymentId, { "state.orderId": 1 }).lean();
  return found && "orderId" in found.state ? found.state.orderId : null;
}

async function paymentOf(
  payments: WebhookReceiver["payments"],
  provider: string,
  providerRef: string,
): Promise<string | undefined> {
  const found = await payments
    .findOne({ "state.providerRef": providerRef, "state.provider": provider }, { _id: 1 })
    .lean();
  return found?._id;
}

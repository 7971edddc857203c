/**
 * Takes a provider's report in: verified against its raw bytes, stored raw under its event id, acknowledged, then told
 * to the payment by a message that the stored webhook carries until the bus has it. A repeat finds the first one.
 */
import type { Document } from "mongodb";
import type { Model } from "mongoose";
import type { ActorDocument } from "../../broker/actor/actor-host.types.ts";
import type { Clock } from "../../broker/clock.ts";
import { isDuplicateKey } from "../../broker/duplicate-key.ts";
import { SoukError } from "../../broker/errors.ts";
import { derivedId } from "../../broker/ids.ts";
import type { Outbox, PendingMessage } from "../../broker/outbox.ts";
import type { Log } from "../../broker/runtime.ts";
import { id as idSchema } from "../../broker/schemas.ts";
import { writeGroup } from "../../broker/write-group.ts";
import type { PaymentState } from "./payment.state.ts";
import { reportedStatus } from "./payments.contract.ts";
import type { Providers } from "./providers/index.ts";
import { type PaymentProvider, type WebhookEvent, WebhookRejected } from "./providers/provider.ts";
import type { StoredWebhook } from "./webhook-inbox.model.ts";

export type WebhookOutcome = "accepted" | "repeated" | "rejected";

export interface WebhookReceiver {
  providers: Providers;
  inbox: Model<StoredWebhook>;
  payments: Model<ActorDocument<PaymentState>>;
  outbox: Outbox;
  clock: Clock;
  log: Log;
  count(provider: string, outcome: WebhookOutcome): void;
}

export interface IncomingWebhook {
  provider: string;
  headers: Readonly<Record<string, string>>;
  /** Raw body, base64. */
  body: string;
}

/**
 * Resolves once the report is durable.
 * @throws {SoukError} PROVIDER_UNKNOWN; WEBHOOK_REJECTED
 */
export async function receiveWebhook(
  to: WebhookReceiver,
  { provider, headers, body }: IncomingWebhook,
): Promise<void> {
  const adapter = to.providers.find(provider);
  if (!adapter) throw new SoukError("PROVIDER_UNKNOWN");
  const rawBody = Buffer.from(body, "base64");
  const event = await verified(to, adapter, rawBody, headers);
  const message = await messageFor(to, provider, event);
  const _id = `${provider}:${event.eventId}`;
  try {
    await writeGroup<Document>(to.inbox.collection as never).insert({
      _id,
      provider,
      providerRef: event.providerRef,
      body: rawBody,
      receivedAt: new Date(to.clock.now()),
      ...(message ? { outbox: [message] } : {}),
    });
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    // Handled already, or its message is still in the first copy's outbox, where the sweep looks.
    to.count(provider, "repeated");
    return;
  }
  to.count(provider, "accepted");
  if (message) to.outbox.relay(_id, [message]);
}

async function verified(
  { count, log }: WebhookReceiver,
  adapter: PaymentProvider,
  rawBody: Buffer,
  headers: IncomingWebhook["headers"],
): Promise<WebhookEvent> {
  try {
    return await adapter.verifyWebhook({ rawBody, headers });
  } catch (error) {
    if (!(error instanceof WebhookRejected)) throw error;
    count(adapter.name, "rejected");
    log.warn("a webhook was rejected", {
      provider: adapter.name,
      reason: error.message,
      bytes: rawBody.length,
    });
    throw new SoukError("WEBHOOK_REJECTED");
  }
}

/** What to tell; null for reports that decide nothing, such as `pending`, which are only kept. */
async function messageFor(
  { payments, outbox }: WebhookReceiver,
  provider: string,
  event: WebhookEvent,
): Promise<PendingMessage | null> {
  const { eventId, providerRef, amount, receipt, reason } = event;
  const status = reportedStatus.safeParse(event.status);
  if (!status.success) return null;
  const paymentId =
    idSchema.safeParse(event.paymentId).data ?? (await paymentOf(payments, provider, providerRef));
  if (paymentId)
    return outbox.entry("payment.notified", paymentId, {
      provider,
      eventId,
      providerRef,
      status: status.data,
      amount,
      receipt,
      reason,
    });
  return outbox.entry("payment.anomaly", providerRef, {
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

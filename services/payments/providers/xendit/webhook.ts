/** Xendit's webhooks, of invoices and of refunds, with the account's static token. */
import { z } from "zod";
import { sameSecret } from "../../../../broker/contract/secrets/same-secret.ts";
import { type Webhook, type WebhookEvent, WebhookRejected } from "../provider.ts";
import { parsedBody, understood } from "../support/webhook.ts";
import { invoice, refund } from "./api.ts";
import { refundOf, reportOf } from "./statuses.ts";

const time = z.iso.datetime({ offset: true });

/** As in an answer, without its address. */
const invoiceCallback = invoice
  .omit({ invoice_url: true, expiry_date: true })
  .extend({ paid_at: time.nullish(), updated: time.nullish(), created: time });

const refundData = refund.extend({
  payment_id: z.string().max(100).nullish(),
  created: time,
  updated: time.nullish(),
});
const refundEvent = z.object({ event: z.string().startsWith("refund."), data: z.unknown() });

/** @throws {WebhookRejected} */
export function verifyCallback(token: string, { rawBody, headers }: Webhook): WebhookEvent {
  const given = headers["x-callback-token"];
  if (!given) throw new WebhookRejected("no callback token");
  if (!sameSecret(given, token)) throw new WebhookRejected("the callback token is wrong");
  const body = parsedBody(rawBody);
  return refundEvent.safeParse(body).success ? refundWebhook(body) : invoiceWebhook(body);
}

function invoiceWebhook(body: unknown): WebhookEvent {
  const it = read(invoiceCallback, body);
  return {
    ...understood(() => reportOf(it, [])),
    eventId: `${it.id}:${it.status}:${it.payment_id ?? "-"}`.slice(0, 180),
    providerRef: it.id,
    paymentId: it.external_id,
    occurredAt: new Date(it.paid_at ?? it.updated ?? it.created),
  };
}

/** Only some of Xendit's own examples contain the event once more inside the event. */
function refundWebhook(body: unknown): WebhookEvent {
  const { data } = read(refundEvent, body);
  const inner = refundEvent.safeParse(data);
  const it = read(refundData, inner.success ? inner.data.data : data);
  return {
    // A hint only. The provider is asked for the sum.
    status: "partially_refunded",
    amount: null,
    receipt: null,
    reason: null,
    refunds: [understood(() => refundOf(it))],
    eventId: `${it.id}:${it.status}`,
    // A refund without an invoice is not ours, and becomes an unknown payment.
    providerRef: it.invoice_id ?? it.payment_id ?? it.id,
    paymentId: null,
    occurredAt: new Date(it.updated ?? it.created),
  };
}

function read<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const { success, data } = schema.safeParse(body);
  if (!success) throw new WebhookRejected("not what xendit sends");
  return data;
}

/** Stripe's webhooks: verified over the received bytes, then parsed. */
import type Stripe from "stripe";
import { z } from "zod";
import { type Webhook, type WebhookEvent, WebhookRejected } from "../provider.ts";
import { EMPTY_REPORT } from "../support/webhook.ts";
import { fromStripe } from "./amounts.ts";
import { afterCapture, charge, dispute, paymentIntent, refund, refundReport, reportOf } from "./objects.ts";
import { stripeSdk } from "./sdk.ts";

/** How far a signature's time may differ from ours, in both directions. */
const TOLERANCE_S = 300;

const event = z.object({
  id: z.string().min(1).max(180),
  object: z.literal("event"),
  type: z.string().max(100),
  created: z.int().min(0).max(100_000_000_000),
  data: z.object({ object: z.looseObject({ id: z.string().max(180).optional() }) }),
});

/** @throws {WebhookRejected} */
export function verify(
  stripe: Stripe,
  secrets: readonly string[],
  { rawBody, headers }: Webhook,
  now: number,
): WebhookEvent {
  const header = headers["stripe-signature"]?.slice(0, 2_000);
  if (!header) throw new WebhookRejected("not signed");
  const text = exactText(rawBody);
  if (!secrets.some((secret) => isSigned(stripe, text, header, secret, now)))
    throw new WebhookRejected("the signature is wrong or too old");
  // The SDK accepts any time in the future.
  const times = [...header.matchAll(/(?:^|,)t=(\d+)/g)].map(([, seconds]) => Number(seconds));
  if (Math.max(...times) - now / 1_000 > TOLERANCE_S)
    throw new WebhookRejected("the signature is from the future");
  return parse(text);
}

/** Decodes strictly: other bytes can't give the same text. It repairs nothing and drops no byte order mark. */
function exactText(rawBody: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(rawBody);
  } catch (cause) {
    throw new WebhookRejected("not UTF-8", { cause });
  }
}

function isSigned(stripe: Stripe, text: string, header: string, secret: string, now: number): boolean {
  const { signature } = stripe.webhooks;
  if (!signature) throw new Error("the SDK of Stripe can't verify signatures here");
  try {
    return signature.verifyHeader(text, header, secret, TOLERANCE_S, undefined, now);
  } catch (error) {
    if (error instanceof stripeSdk().errors.StripeSignatureVerificationError) return false;
    throw error;
  }
}

function parse(text: string): WebhookEvent {
  try {
    const { id, type, created, data } = event.parse(JSON.parse(text));
    return {
      eventId: id,
      occurredAt: new Date(created * 1_000),
      ...told(type, data.object),
    };
  } catch (cause) {
    throw new WebhookRejected("signed, but not what Stripe sends", { cause });
  }
}

type Told = Omit<WebhookEvent, "eventId" | "occurredAt">;

function told(type: string, object: { id?: string | undefined }): Told {
  if (type.startsWith("payment_intent.")) return toldOfIntent(type, object);
  if (type === "charge.refunded") return toldOfCharge(object);
  if (type.startsWith("refund.")) return toldOfRefund(object);
  if (type === "charge.dispute.created") return toldOfDispute(object);
  return { ...EMPTY_REPORT, providerRef: object.id ?? type };
}

function toldOfIntent(type: string, object: unknown): Told {
  const it = paymentIntent.parse(object);
  const report = reportOf(it, []);
  return {
    ...report,
    // The attempt has failed, whatever was tried since.
    status: type === "payment_intent.payment_failed" ? "failed" : report.status,
    providerRef: it.id,
    paymentId: it.metadata?.paymentId ?? null,
  };
}

function toldOfCharge(object: unknown): Told {
  const it = charge.parse(object);
  return {
    ...EMPTY_REPORT,
    status: afterCapture({ ...it, disputed: false }),
    amount: fromStripe(it.amount_captured, it.currency),
    receipt: it.id,
    providerRef: it.payment_intent ?? it.id,
    paymentId: it.metadata?.paymentId ?? null,
  };
}

/** About one refund only. The charge shows whether the refunds are complete. */
function toldOfRefund(object: unknown): Told {
  const it = refund.parse(object);
  const report = refundReport(it);
  return {
    ...EMPTY_REPORT,
    status: report.status === "failed" ? "captured" : "partially_refunded",
    receipt: it.charge ?? null,
    providerRef: it.payment_intent ?? it.charge ?? it.id,
    refunds: [report],
  };
}

function toldOfDispute(object: unknown): Told {
  const it = dispute.parse(object);
  return {
    ...EMPTY_REPORT,
    status: "disputed",
    receipt: it.charge ?? null,
    reason: it.reason.slice(0, 300),
    providerRef: it.payment_intent ?? it.charge ?? it.id,
  };
}

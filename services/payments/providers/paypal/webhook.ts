/** PayPal's webhooks: verified here with PayPal's certificate, or by asking PayPal. Then they are parsed. */
import { verify as verifySignature } from "node:crypto";
import { crc32 } from "node:zlib";
import { z } from "zod";
import type { Clock } from "../../../../broker/resilience/clock.ts";
import { type Webhook, type WebhookEvent, WebhookRejected } from "../provider.ts";
import { EMPTY_REPORT } from "../support/webhook.ts";
import { fromPayPal } from "./amounts.ts";
import type { Api } from "./api.ts";
import type { Certificates } from "./certificates.ts";
import {
  authorization,
  CAPTURED,
  capture,
  captureStatus,
  order,
  paymentIdOf,
  reasonOf,
  refund,
  refundReport,
  unitOf,
} from "./objects.ts";

/**
 * PayPal repeats for three days, perhaps with the first transmission's time. Within that time, the event's id
 * identifies repeats.
 */
const MAX_AGE_MS = 3 * 86_400_000 + 3_600_000;
const MAX_AHEAD_MS = 300_000;

const header = (max: number) => z.string().min(1).max(max);
const transmission = z.object({
  "paypal-transmission-id": header(100).regex(/^[^|]+$/),
  "paypal-transmission-time": header(60).regex(/^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/),
  "paypal-transmission-sig": header(2_000).regex(/^[A-Za-z0-9+/]+=*$/),
  "paypal-cert-url": header(500),
  "paypal-auth-algo": z.literal("SHA256withRSA"),
});

type Transmission = z.output<typeof transmission>;

export interface WebhookVerifier {
  readonly webhookId: string;
  readonly clock: Clock;
  readonly certificates: Certificates;
  /** Asks PayPal whether it sent the webhook, instead of checking the signature. Null checks the signature. */
  readonly postback: Api | null;
}

/** Its `providerRef` is the order's, or a capture's where PayPal names no order. */
export interface VerifiedEvent extends WebhookEvent {
  readonly names: "order" | "capture";
}

/** @throws {WebhookRejected} */
export async function verify(by: WebhookVerifier, { rawBody, headers }: Webhook): Promise<VerifiedEvent> {
  const { success, data: sent, error } = transmission.safeParse(headers);
  if (!success)
    throw new WebhookRejected(`missing or odd: ${error.issues.map((it) => it.path.join(".")).join(", ")}`);
  const age = by.clock.now() - Date.parse(sent["paypal-transmission-time"]);
  if (!(age <= MAX_AGE_MS && age >= -MAX_AHEAD_MS)) throw new WebhookRejected("too old, or from the future");
  by.certificates.check(sent["paypal-cert-url"]);
  if (by.postback) await askPayPal(by, by.postback, sent, rawBody);
  else await checkSignature(by, sent, rawBody);
  return parse(rawBody);
}

async function checkSignature(by: WebhookVerifier, sent: Transmission, rawBody: Buffer): Promise<void> {
  const signed = [
    sent["paypal-transmission-id"],
    sent["paypal-transmission-time"],
    by.webhookId,
    crc32(rawBody),
  ].join("|");
  const key = await by.certificates.keyAt(sent["paypal-cert-url"]);
  const signature = Buffer.from(sent["paypal-transmission-sig"], "base64");
  if (!verifySignature("RSA-SHA256", Buffer.from(signed), key, signature))
    throw new WebhookRejected("the signature is wrong");
}

const TIMEOUT_MS = 8_000;
const verdict = z.object({ verification_status: z.enum(["SUCCESS", "FAILURE"]) });

async function askPayPal(
  { webhookId }: WebhookVerifier,
  api: Api,
  sent: Transmission,
  rawBody: Buffer,
): Promise<void> {
  const event = rawBody.toString("utf8");
  jsonOf(event);
  const asked = JSON.stringify({
    auth_algo: sent["paypal-auth-algo"],
    cert_url: sent["paypal-cert-url"],
    transmission_id: sent["paypal-transmission-id"],
    transmission_sig: sent["paypal-transmission-sig"],
    transmission_time: sent["paypal-transmission-time"],
    webhook_id: webhookId,
  });
  const { verification_status } = await api.request(verdict, {
    method: "POST",
    path: "/v1/notifications/verify-webhook-signature",
    // Unchanged text, because only that was signed.
    body: `${asked.slice(0, -1)},"webhook_event":${event}}`,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (verification_status !== "SUCCESS") throw new WebhookRejected("PayPal has not sent it");
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WebhookRejected("not JSON", { cause });
  }
}

const event = z.object({
  id: z.string().min(1).max(180),
  event_type: z.string().max(100),
  create_time: z.iso.datetime({ offset: true }),
  resource: z.looseObject({ id: z.string().max(180).optional() }),
});

function parse(rawBody: Buffer): VerifiedEvent {
  const json = jsonOf(rawBody.toString("utf8"));
  try {
    const { id, event_type, create_time, resource } = event.parse(json);
    const read = READERS[event_type];
    return {
      eventId: id,
      occurredAt: new Date(create_time),
      ...NOTHING,
      providerRef: resource.id ?? event_type,
      ...read?.(resource),
    };
  } catch (cause) {
    throw new WebhookRejected("signed, but not what PayPal sends", { cause });
  }
}

type Told = Partial<Omit<VerifiedEvent, "eventId" | "occurredAt">>;

const NOTHING = { names: "order", ...EMPTY_REPORT } as const;

const reversed = z.object({ order_id: z.string().min(1).max(100) });
const dispute = z.object({
  reason: z.string().optional(),
  disputed_transactions: z
    .array(
      z.object({ seller_transaction_id: z.string().min(1).max(100), custom: z.string().max(255).nullish() }),
    )
    .min(1),
});

/** Events that the webhook at PayPal should send, and how they are parsed. Others are stored and have no effect. */
const READERS: Readonly<Record<string, (resource: unknown) => Told>> = {
  "CHECKOUT.ORDER.APPROVED": approved,
  "CHECKOUT.PAYMENT-APPROVAL.REVERSED": (resource) => ({
    status: "expired",
    providerRef: reversed.parse(resource).order_id,
    reason: "the approval has lapsed",
  }),
  "PAYMENT.AUTHORIZATION.CREATED": authorizationTold,
  "PAYMENT.AUTHORIZATION.VOIDED": authorizationTold,
  "PAYMENT.CAPTURE.COMPLETED": captureTold,
  "PAYMENT.CAPTURE.PENDING": captureTold,
  "PAYMENT.CAPTURE.DENIED": (resource) => ({ ...captureTold(resource), status: "failed", amount: null }),
  "PAYMENT.CAPTURE.DECLINED": (resource) => ({ ...captureTold(resource), status: "failed", amount: null }),
  "PAYMENT.CAPTURE.REVERSED": (resource) => ({ ...captureTold(resource), status: "disputed", amount: null }),
  "PAYMENT.CAPTURE.REFUNDED": refundTold,
  "CUSTOMER.DISPUTE.CREATED": disputeTold,
};

function approved(resource: unknown): Told {
  const it = order.parse(resource);
  const { custom_id, amount } = unitOf(it);
  return {
    status: "authorized",
    providerRef: it.id,
    paymentId: paymentIdOf(custom_id),
    amount: amount ? fromPayPal(amount) : null,
  };
}

function authorizationTold(resource: unknown): Told {
  const it = authorization.parse(resource);
  const voided = it.status === "VOIDED";
  return {
    status: voided ? "cancelled" : "authorized",
    providerRef: it.supplementary_data?.related_ids?.order_id ?? it.id,
    paymentId: paymentIdOf(it.custom_id),
    amount: voided ? null : fromPayPal(it.amount),
  };
}

function captureTold(resource: unknown): Told {
  const it = capture.parse(resource);
  const status = captureStatus(it);
  const orderId = it.supplementary_data?.related_ids?.order_id;
  return {
    status,
    names: orderId ? "order" : "capture",
    providerRef: orderId ?? it.id,
    paymentId: paymentIdOf(it.custom_id),
    amount: CAPTURED.has(it.status) ? fromPayPal(it.amount) : null,
    receipt: it.id,
    reason: status === "failed" ? reasonOf(it) : null,
  };
}

/** About one refund only. The order shows whether the refunds are complete. */
function refundTold(resource: unknown): Told {
  const it = refund.parse(resource);
  const report = refundReport(it);
  const up = it.links.find(({ rel }) => rel === "up")?.href;
  const captureId = up && URL.canParse(up) ? new URL(up).pathname.split("/").at(-1) : undefined;
  return {
    status: report.status === "failed" ? "captured" : "partially_refunded",
    names: captureId ? "capture" : "order",
    providerRef: captureId || it.id,
    paymentId: paymentIdOf(it.custom_id),
    receipt: captureId || null,
    refunds: [report],
  };
}

function disputeTold(resource: unknown): Told {
  const {
    reason = null,
    disputed_transactions: [disputed],
  } = dispute.parse(resource);
  return {
    status: "disputed",
    names: "capture",
    providerRef: disputed?.seller_transaction_id ?? "",
    paymentId: paymentIdOf(disputed?.custom),
    receipt: disputed?.seller_transaction_id ?? null,
    reason: reason?.slice(0, 300) ?? null,
  };
}

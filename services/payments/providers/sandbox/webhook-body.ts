/** The JSON of the sandbox's webhooks, in both directions. */
import { z } from "zod";
import { currency, minorUnits } from "../../../../broker/contract/schemas.ts";
import { type WebhookEvent, WebhookRejected } from "../provider.ts";
import { figuresOf, type SandboxPayment, type SandboxStatus } from "./sandbox.model.ts";

const schema = z.strictObject({
  id: z.string().min(1).max(100),
  type: z.enum(["payment.processing", "payment.captured", "payment.failed", "payment.expired"]),
  createdAt: z.iso.datetime(),
  data: z.strictObject({
    ref: z.string().min(1).max(200),
    /** The shop's own reference. */
    reference: z.string().max(200),
    amount: z.strictObject({ value: minorUnits, currency }),
    /** What of it the provider has added for itself. */
    fee: minorUnits.optional(),
    receipt: z.string().max(100).nullable(),
    reason: z.string().max(200).nullable(),
  }),
});

const STATUS = {
  "payment.processing": "processing",
  "payment.captured": "captured",
  "payment.failed": "failed",
  "payment.expired": "expired",
} as const;

const TYPE: { readonly [status in SandboxStatus]?: z.output<typeof schema>["type"] } = {
  processing: "payment.processing",
  captured: "payment.captured",
  failed: "payment.failed",
};

/** The same bytes for the same decision, at any delivery. */
export function webhookBody(payment: SandboxPayment): string {
  const { _id, paymentId, currency, status, decision } = payment;
  if (!decision) throw new Error("a payment that is not decided has no webhook");
  const { eventId, at, receipt, reason } = decision;
  const { amount, fee } = figuresOf(payment);
  const body: z.input<typeof schema> = {
    id: eventId,
    type: TYPE[status] ?? "payment.expired",
    createdAt: at.toISOString(),
    data: {
      ref: _id,
      reference: paymentId,
      amount: { value: amount.amount, currency },
      ...(fee && { fee: fee.amount }),
      receipt,
      reason,
    },
  };
  return JSON.stringify(body);
}

/** @throws {WebhookRejected} */
export function parseWebhook(rawBody: Buffer): WebhookEvent {
  const { success, data: body } = schema.safeParse(parseJson(rawBody));
  if (!success) throw new WebhookRejected("signed, but not what the sandbox sends");
  const { ref, reference, amount, fee, receipt, reason } = body.data;
  const status = STATUS[body.type];
  return {
    eventId: body.id,
    providerRef: ref,
    paymentId: reference,
    status,
    amount: status === "captured" ? { amount: amount.value, currency: amount.currency } : null,
    ...(fee === undefined ? {} : { fee: { amount: fee, currency: amount.currency } }),
    receipt,
    reason,
    refunds: [],
    occurredAt: new Date(body.createdAt),
  };
}

function parseJson(rawBody: Buffer): unknown {
  try {
    return JSON.parse(rawBody.toString("utf8"));
  } catch (error) {
    throw new WebhookRejected("signed, but not JSON", { cause: error });
  }
}

import { z } from "zod";
import {
  type ActionsOf,
  action,
  command,
  defineContract,
  event,
  type MessagesOf,
  reply,
} from "../../broker/contract.ts";
import { cursor, flag, id, limit, line, minorUnits, money, page, time } from "../../broker/schemas.ts";
import { nextAction, paymentChoice, provider } from "../orders/orders.contract.ts";

export const paymentStatus = z.enum([
  "requested",
  "pending",
  "captured",
  "failed",
  "expired",
  "cancelled",
  "partially_refunded",
  "refunded",
]);
/** A caller's (UUIDv7) or one derived from the order's. */
const refundId = z.uuid();
export const refundView = z.strictObject({
  id: refundId,
  amount: money,
  reason: z.string(),
  status: z.enum(["pending", "succeeded", "failed"]),
  at: time,
});
export const paymentView = z.strictObject({
  id,
  orderId: id,
  provider,
  status: paymentStatus,
  amount: money,
  captured: money,
  refunded: money,
  receipt: z.string().nullable().meta({ description: "The provider's receipt or reference number" }),
  nextAction,
  failure: z.string().nullable(),
  refunds: z.array(refundView),
  createdAt: time,
});
export const anomalyKind = z.enum([
  "amount_mismatch",
  "currency_mismatch",
  "double_capture",
  "unknown_payment",
  "capture_after_end",
  "refund_failed",
  "refund_excess",
]);
export const anomalyView = z.strictObject({
  /** Id of the report that did not fit, so that telling it twice is harmless. */
  id: z.uuid(),
  /** Null where the report names no payment of ours. */
  paymentId: id.nullable(),
  orderId: id.nullable(),
  provider,
  providerRef: z.string().max(200).nullable(),
  kind: anomalyKind,
  expected: money.nullable(),
  reported: money.nullable(),
  at: time,
});

const ref = z.string().min(1).max(200);
export const reportedStatus = z.enum(["captured", "failed", "expired", "cancelled"]);

export const payments = defineContract({
  service: "payments",
  actions: {
    listByOrder: action({
      summary: "All attempts to pay one of the caller's orders, newest first",
      rest: "GET /orders/:id/payments",
      auth: "customer",
      params: z.strictObject({ id }),
      returns: z.strictObject({ items: z.array(paymentView), nextCursor: z.null() }),
      errors: ["NOT_FOUND"],
    }),
    webhook: action({
      summary: "Where providers report; verified against the raw body, stored, then handled as a message",
      rest: "POST /payments/webhooks/:provider",
      auth: "public",
      body: "raw",
      params: z.strictObject({
        provider,
        headers: z.record(z.string(), z.string()),
        /** Raw body, base64: it must be verified byte by byte, and must survive a trip between nodes. */
        body: z.string().max(1_400_000),
      }),
      returns: z.strictObject({ received: z.literal(true) }),
      errors: ["WEBHOOK_REJECTED", "PROVIDER_UNKNOWN"],
    }),
    refund: action({
      summary: "Give back some or all of a captured payment",
      rest: "POST /payments/:id/refunds",
      auth: "staff",
      status: 201,
      idempotent: "required",
      params: z.strictObject({
        id,
        amount: minorUnits
          .min(1)
          .optional()
          .meta({ description: "Minor units; all that is left when left out" }),
        reason: line(200),
      }),
      returns: paymentView,
      errors: ["NOT_FOUND", "PAYMENT_NOT_REFUNDABLE", "REFUND_TOO_LARGE"],
    }),
    list: action({
      summary: "Payments by status or receipt number",
      rest: "GET /payments",
      auth: "staff",
      params: z.strictObject({
        status: paymentStatus.optional(),
        receipt: line(200).optional(),
        limit,
        cursor,
      }),
      returns: page(paymentView.extend({ customerId: id })),
    }),
    anomalies: action({
      summary: "Reports from providers that did not fit what was asked",
      rest: "GET /payments/anomalies",
      auth: "staff",
      params: z.strictObject({ limit, cursor }),
      returns: page(anomalyView),
    }),
    providers: action({
      summary: "Names of the configured providers",
      params: z.strictObject({}),
      returns: z.array(provider),
    }),
    sandboxPage: action({
      summary: "The sandbox provider's pay page",
      rest: "GET /sandbox/pay/:ref",
      auth: "public",
      produces: "text/html",
      params: z.strictObject({ ref }),
      returns: z.string(),
      errors: ["NOT_FOUND"],
    }),
    sandboxPay: action({
      summary: "Decide how the sandbox payment ends; the sandbox then calls the shop's webhook",
      rest: "POST /sandbox/pay/:ref",
      auth: "public",
      status: 202,
      params: z.strictObject({
        ref,
        outcome: z.enum(["succeed", "decline", "expire"]),
        delayMs: z.int().min(0).max(86_400_000).default(0),
        times: z.int().min(1).max(10).default(1),
        amount: minorUnits.optional().meta({ description: "Report this amount instead of the right one" }),
        page: flag.optional().meta({ description: "Go back to the pay page (303), as its own form asks" }),
      }),
      returns: z.strictObject({ status: z.literal("accepted") }),
      errors: ["NOT_FOUND", "CONFLICT"],
    }),
  },
  messages: {
    "payment.request": command(
      "payment",
      "Open a payment at its provider",
      z.strictObject({
        orderId: id,
        orderNumber: z.string(),
        customerId: id,
        amount: money,
        payment: paymentChoice,
        expiresAt: time,
      }),
    ),
    "payment.opened": reply(
      "payment",
      "The provider has opened it",
      z.strictObject({ providerRef: ref, nextAction, expiresAt: time.nullable() }),
    ),
    "payment.refused": reply(
      "payment",
      "The provider would not open it",
      z.strictObject({ reason: z.string() }),
    ),
    "payment.notified": command(
      "payment",
      "A provider has reported something (verified webhook or poll)",
      z.strictObject({
        provider,
        eventId: z.string().max(200),
        providerRef: ref,
        status: reportedStatus,
        amount: money.nullable(),
        receipt: z.string().max(200).nullable(),
        reason: z.string().max(500).nullable(),
      }),
    ),
    "payment.unmatched": command(
      "payment",
      "Timer: providers report a payment that nobody has asked for",
      z.strictObject({}),
    ),
    "payment.cancel": command(
      "payment",
      "The order needs no payment any more",
      z.strictObject({ reason: z.string() }),
    ),
    "payment.refund": command(
      "payment",
      "Give money back: an amount, or all that is left",
      z.strictObject({ refundId, amount: money.nullable(), reason: z.string() }),
    ),
    "payment.pending": event(
      "order",
      "A payment waits for its customer",
      z.strictObject({ paymentId: id, provider, nextAction }),
    ),
    "payment.captured": event(
      "order",
      "A payment has been taken",
      z.strictObject({ paymentId: id, amount: money }),
    ),
    "payment.failed": event(
      "order",
      "An attempt to pay failed",
      z.strictObject({ paymentId: id, reason: z.string() }),
    ),
    "payment.expired": event("order", "An attempt to pay ran out of time", z.strictObject({ paymentId: id })),
    "payment.refunded": event(
      "order",
      "Money was given back",
      z.strictObject({ paymentId: id, refundId, amount: money, full: z.boolean() }),
    ),
    "payment.anomaly": event("payment", "A report did not fit what was asked", anomalyView),
    "provider.cancel": command(
      "payment",
      "Cancel at the provider",
      z.strictObject({ provider, providerRef: ref }),
    ),
    "provider.refund": command(
      "payment",
      "Refund at the provider; idempotency key = refund id",
      z.strictObject({ provider, providerRef: ref, refundId, amount: money, reason: z.string() }),
    ),
    "provider.refunded": reply("payment", "The provider gave it back", z.strictObject({ refundId })),
    "provider.refund_failed": reply(
      "payment",
      "The provider would not give it back",
      z.strictObject({ refundId, reason: z.string() }),
    ),
  },
  actors: {
    payment: {
      receives: [
        "payment.request",
        "payment.opened",
        "payment.refused",
        "payment.notified",
        "payment.cancel",
        "payment.refund",
        "provider.refunded",
        "provider.refund_failed",
      ],
    },
  },
  workers: {
    openPayment: { receives: ["payment.request"] },
    cancelAtProvider: { receives: ["provider.cancel"] },
    refundAtProvider: { receives: ["provider.refund"] },
    recordAnomaly: { receives: ["payment.anomaly"] },
  },
});

declare module "../../broker/contract.ts" {
  interface Actions extends ActionsOf<typeof payments> {}
  interface Messages extends MessagesOf<typeof payments> {}
}

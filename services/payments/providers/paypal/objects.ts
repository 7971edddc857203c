/** The parts of PayPal's objects that we read, validated, and their meaning for the payment. */
import { z } from "zod";
import type { Money } from "../../../../broker/contract/schemas.ts";
import { type ProviderStatus, providerFailed, type RefundReport, type StatusReport } from "../provider.ts";
import { fromPayPal } from "./amounts.ts";

const id = z.string().min(1).max(100);
const money = z.object({ currency_code: z.string().regex(/^[A-Z]{3}$/), value: z.string().max(40) });
const links = z.array(z.object({ rel: z.string(), href: z.string().max(2_000) })).default([]);
const custom = z.string().max(255).nullish();

export const capture = z.object({
  id,
  status: z.string(),
  amount: money,
  custom_id: custom,
  status_details: z.object({ reason: z.string().nullish() }).nullish(),
  processor_response: z.object({ response_code: z.string().nullish() }).nullish(),
  supplementary_data: z.object({ related_ids: z.object({ order_id: id.nullish() }).nullish() }).nullish(),
  links,
});

export const authorization = z.object({
  id,
  status: z.string(),
  amount: money,
  custom_id: custom,
  supplementary_data: capture.shape.supplementary_data,
});

export const refund = z.object({
  id,
  status: z.string(),
  amount: money,
  custom_id: custom,
  status_details: z.object({ reason: z.string().nullish() }).nullish(),
  links,
});

export const order = z.object({
  id,
  status: z.string(),
  intent: z.enum(["CAPTURE", "AUTHORIZE"]).optional(),
  purchase_units: z
    .array(
      z.object({
        custom_id: custom,
        amount: money.optional(),
        payments: z
          .object({
            captures: z.array(capture).default([]),
            authorizations: z.array(authorization).default([]),
            refunds: z.array(refund).default([]),
          })
          .prefault({}),
      }),
    )
    .min(1),
  links,
});

export const disputes = z.object({ items: z.array(z.object({ dispute_id: z.string() })).default([]) });

export type Order = z.output<typeof order>;
export type Capture = z.output<typeof capture>;

/** We use exactly one purchase unit. */
export const unitOf = ({ purchase_units: [unit] }: Order) => {
  if (!unit) throw providerFailed("paypal reported an order without a purchase unit");
  return unit;
};

export const CAPTURED = new Set(["COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"]);
const isSlow = ({ status }: Pick<Capture, "status">): boolean => status === "PENDING";
const OPEN = new Set(["CREATED", "SAVED", "PAYER_ACTION_REQUIRED", "COMPLETED"]);

/** Captures that have taken money, whether or not it was refunded since. */
export const capturesOf = (it: Order): Capture[] =>
  unitOf(it).payments.captures.filter(({ status }) => CAPTURED.has(status));

/** Whether PayPal works on a capture, or on an authorization, that has not taken money yet. */
export const isProcessing = (it: Order): boolean =>
  [...unitOf(it).payments.captures, ...unitOf(it).payments.authorizations].some(isSlow);

/** The state of an order. PayPal's order contains no disputes. */
export function reportOf(it: Order): StatusReport {
  const { amount, payments } = unitOf(it);
  const refunds = payments.refunds.map(refundReport);
  const [first, ...more] = capturesOf(it);
  if (first)
    return {
      status: afterCapture([first, ...more]),
      amount: more.reduce((sum, { amount: part }) => plus(sum, fromPayPal(part)), fromPayPal(first.amount)),
      receipt: first.id,
      reason: null,
      refunds,
    };
  const none = { amount: null, receipt: null, reason: null, refunds };
  const last = payments.captures.at(-1);
  if (last) return { ...none, status: captureStatus(last), receipt: last.id, reason: reasonOf(last) };
  const authorized = payments.authorizations.at(-1);
  if (authorized) {
    const status = authorizationStatus(authorized.status);
    return { ...none, status, amount: status === "authorized" ? fromPayPal(authorized.amount) : null };
  }
  if (it.status === "VOIDED") return { ...none, status: "cancelled" };
  if (it.status === "APPROVED")
    return { ...none, status: "authorized", amount: amount ? fromPayPal(amount) : null };
  if (OPEN.has(it.status)) return { ...none, status: "pending" };
  throw providerFailed(`paypal reported the unknown status ${it.status.slice(0, 50)}`);
}

const plus = (one: Money, other: Money): Money => ({ ...one, amount: one.amount + other.amount });

const afterCapture = (captures: readonly Capture[]): ProviderStatus =>
  captures.every((it) => it.status === "COMPLETED")
    ? "captured"
    : captures.every((it) => it.status === "REFUNDED")
      ? "refunded"
      : "partially_refunded";

export function captureStatus({ status }: Pick<Capture, "status">): ProviderStatus {
  switch (status) {
    case "COMPLETED":
      return "captured";
    case "PARTIALLY_REFUNDED":
      return "partially_refunded";
    case "REFUNDED":
      return "refunded";
    case "DECLINED":
    case "FAILED":
      return "failed";
    // An e-check, or a review.
    case "PENDING":
      return "processing";
    // The customer's bank has taken it back. Nothing is left, so it has no amount.
    case "REVERSED":
      return "disputed";
    default:
      throw providerFailed(`paypal reported the unknown status ${status.slice(0, 50)} of a capture`);
  }
}

export const reasonOf = ({ status, status_details, processor_response }: Capture): string | null =>
  CAPTURED.has(status) || status === "PENDING" || status === "REVERSED"
    ? null
    : (status_details?.reason ?? processor_response?.response_code ?? status).slice(0, 300);

function authorizationStatus(status: string): ProviderStatus {
  switch (status) {
    case "CREATED":
    case "PARTIALLY_CAPTURED":
      return "authorized";
    case "PENDING":
      return "processing";
    // Its capture follows.
    case "CAPTURED":
      return "pending";
    case "DENIED":
      return "failed";
    case "VOIDED":
      return "cancelled";
    default:
      throw providerFailed(`paypal reported the unknown status ${status.slice(0, 50)} of an authorization`);
  }
}

/**
 * Text that PayPal repeats with a refund: our payment's id and the refund's id. A refund made at PayPal repeats only
 * the payment's id, as its capture does.
 */
export const refundCustomId = (paymentId: string, refundId: string): string => `${paymentId} ${refundId}`;

export const paymentIdOf = (customId: string | null | undefined): string | null =>
  customId?.split(" ")[0] || null;

export function refundReport(it: z.output<typeof refund>): RefundReport {
  const status = it.status === "COMPLETED" ? "succeeded" : it.status === "PENDING" ? "pending" : "failed";
  return {
    refundId: it.custom_id?.split(" ")[1] ?? null,
    refundRef: it.id,
    amount: fromPayPal(it.amount),
    status,
    reason: status === "failed" ? (it.status_details?.reason ?? it.status).slice(0, 300) : null,
  };
}

/** The parts of Stripe's objects that we read, validated, and their meaning for the payment. */
import { z } from "zod";
import { type ProviderStatus, providerFailed, type RefundReport, type StatusReport } from "../provider.ts";
import { fromStripe } from "./amounts.ts";

const id = z.string().min(1).max(180);
const amount = z.int().min(0);
const currency = z.string().regex(/^[a-z]{3}$/);
const metadata = z.record(z.string(), z.string()).nullish();
/** Stripe gives an id, or the object itself where it was asked to expand it. */
const reference = z.union([id, z.object({ id }).transform((it) => it.id)]).nullish();

export const charge = z.object({
  id,
  amount_captured: amount,
  amount_refunded: amount,
  currency,
  disputed: z.boolean(),
  payment_intent: reference,
  metadata,
});

export const paymentIntent = z.object({
  id,
  status: z.string(),
  amount,
  amount_capturable: amount.default(0),
  amount_received: amount.default(0),
  currency,
  client_secret: z.string().min(1).nullish(),
  latest_charge: z.union([id, charge]).nullish(),
  last_payment_error: z.object({ message: z.string().nullish(), code: z.string().nullish() }).nullish(),
  cancellation_reason: z.string().nullish(),
  metadata,
});

export const refund = z.object({
  id,
  amount,
  currency,
  status: z.string().nullable(),
  charge: reference,
  payment_intent: reference,
  failure_reason: z.string().nullish(),
  metadata,
});

export const dispute = z.object({ id, charge: reference, payment_intent: reference, reason: z.string() });

/** @throws {SoukError} PROVIDER_FAILED: the meaning of an unreadable answer is unknown */
export function read<S extends z.ZodType>(schema: S, object: unknown): z.output<S> {
  const { success, data, error } = schema.safeParse(object);
  if (success) return data;
  const where = error.issues.map((it) => it.path.join(".") || "the answer").join(", ");
  throw providerFailed(`stripe answered with something unexpected in ${where}`);
}

type Intent = z.output<typeof paymentIntent>;

/** The state of an intent, with the known refunds. */
export function reportOf(it: Intent, refunds: readonly RefundReport[]): StatusReport {
  const status = statusOf(it);
  const counted = status === "authorized" ? it.amount_capturable : it.amount_received;
  const taken = !["pending", "processing", "failed", "cancelled", "expired"].includes(status);
  return {
    status,
    amount: taken ? fromStripe(counted, it.currency) : null,
    receipt: (typeof it.latest_charge === "object" ? it.latest_charge?.id : it.latest_charge) ?? null,
    reason: taken || status === "pending" || status === "processing" ? null : reasonOf(it),
    refunds,
  };
}

function statusOf(it: Intent): ProviderStatus {
  switch (it.status) {
    case "succeeded":
      return afterCapture(typeof it.latest_charge === "object" ? it.latest_charge : null);
    case "requires_capture":
      return "authorized";
    case "canceled":
      return it.cancellation_reason === "automatic" || it.cancellation_reason === "expired"
        ? "expired"
        : "cancelled";
    case "requires_payment_method":
      return it.last_payment_error ? "failed" : "pending";
    case "requires_confirmation":
    case "requires_action":
      return "pending";
    case "processing":
      return "processing";
    default:
      throw providerFailed(`stripe reported the unknown status ${it.status.slice(0, 50)}`);
  }
}

export function afterCapture(it: z.output<typeof charge> | null | undefined): ProviderStatus {
  if (it?.disputed) return "disputed";
  if (!it || it.amount_refunded === 0) return "captured";
  return it.amount_refunded < it.amount_captured ? "partially_refunded" : "refunded";
}

const reasonOf = ({ last_payment_error, cancellation_reason }: Intent): string | null =>
  (last_payment_error?.message ?? last_payment_error?.code ?? cancellation_reason ?? null)?.slice(0, 300) ??
  null;

export function refundReport(it: z.output<typeof refund>): RefundReport {
  const status =
    it.status === "succeeded"
      ? "succeeded"
      : it.status === "failed" || it.status === "canceled"
        ? "failed"
        : "pending";
  return {
    refundId: it.metadata?.refundId ?? null,
    refundRef: it.id,
    amount: fromStripe(it.amount, it.currency),
    status,
    reason: status === "failed" ? (it.failure_reason ?? it.status) : null,
  };
}

/** What Midtrans' statuses mean to us. */
import type { Money } from "../../../../broker/contract/schemas.ts";
import { type ProviderStatus, providerFailed, type RefundReport, type StatusReport } from "../provider.ts";
import { toMinor } from "../support/amounts.ts";
import type { Transaction } from "./transaction.ts";

const STATUS: ReadonlyMap<string, ProviderStatus> = new Map(
  Object.entries({
    pending: "pending",
    authorize: "authorized",
    capture: "captured",
    settlement: "captured",
    deny: "failed",
    failure: "failed",
    cancel: "cancelled",
    expire: "expired",
    refund: "refunded",
    partial_refund: "partially_refunded",
    chargeback: "disputed",
    partial_chargeback: "disputed",
  }),
);

/** Methods whose settlement Midtrans may reverse within minutes, by a `deny`. */
const REVERSIBLE: ReadonlySet<string> = new Set(["bank_transfer", "echannel", "cstore"]);

/**
 * `deny` after a settlement takes back money that we have counted: a dispute, not a failed attempt. `settlement_time`
 * shows that it was settled. Because that field is not guaranteed, the method also shows it: those of
 * {@link REVERSIBLE} are denied only then.
 * @throws {SoukError} PROVIDER_FAILED for a status that Midtrans does not document
 */
export function statusOf(
  it: Pick<Transaction, "transaction_status" | "fraud_status"> & Partial<Transaction>,
): ProviderStatus {
  const status = STATUS.get(it.transaction_status);
  if (!status) throw providerFailed(`midtrans has a status that is unknown here: ${it.transaction_status}`);
  if (it.transaction_status === "deny" && isReversal(it)) return "disputed";
  if (status !== "captured" && status !== "authorized") return status;
  switch (it.fraud_status) {
    case undefined:
    case "accept":
      return status;
    case "challenge":
      // Waits for the merchant's review at Midtrans. The customer has done everything.
      return "processing";
    default:
      return "failed";
  }
}

const isReversal = ({ settlement_time, payment_type = "" }: Partial<Transaction>): boolean =>
  settlement_time !== undefined || REVERSIBLE.has(payment_type);

const UNKNOWN_YET: StatusReport = {
  status: "pending",
  amount: null,
  receipt: null,
  reason: null,
  refunds: [],
};

/**
 * A reversed payment has no amount, because nothing is left. So it can't make a payment paid whose settlement was
 * never reported.
 * @param it null until the customer has chosen a method
 */
export function reportOf(it: Transaction | null): StatusReport {
  if (!it) return UNKNOWN_YET;
  const status = statusOf(it);
  const taken = !["pending", "processing", "failed", "cancelled", "expired"].includes(status);
  const there = taken && it.transaction_status !== "deny";
  return {
    status,
    ...(there ? figuresOf(it) : { amount: null }),
    receipt: taken ? it.transaction_id : null,
    reason: taken && status !== "disputed" ? null : reasonOf(it, status),
    refunds: it.refunds.map((refund, i) => refundOf(refund, it.currency, i)),
  };
}

/**
 * What was paid, what was asked, and the fee that Midtrans has added. The fee is the difference of the two, unless
 * Midtrans names another: then the figures contradict each other, and nothing is said about a fee.
 */
export function figuresOf({
  gross_amount,
  currency,
  extra_info,
  metadata,
}: Transaction): Pick<StatusReport, "asked" | "fee"> & { amount: Money } {
  const amount = money(gross_amount, currency);
  const info = (extra_info ?? metadata?.extra_info)?.gross_amount_info;
  if (!info) return { amount };
  const asked = money(info.original_amount, currency);
  const added = amount.amount - asked.amount;
  const named = info.customer_imposed_payment_fee;
  if (added <= 0 || (named !== undefined && money(named, currency).amount !== added))
    return { amount, asked };
  return { amount, asked, fee: { amount: added, currency } };
}

function reasonOf(it: Transaction, status: ProviderStatus): string | null {
  if (status === "processing") return "under review";
  if (status === "pending") return null;
  return it.channel_response_message ?? it.status_message ?? it.transaction_status;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const refundOf = (it: Transaction["refunds"][number], currency: string, index: number): RefundReport => ({
  // Refunds made at Midtrans have keys that are no UUIDs.
  refundId: it.refund_key !== undefined && UUID.test(it.refund_key) ? it.refund_key : null,
  refundRef: String(it.refund_chargeback_id ?? it.refund_key ?? index),
  amount: money(it.refund_amount, currency),
  status: "succeeded",
  reason: it.reason ?? null,
});

function money(text: string, currency: string): Money {
  const amount = toMinor(text, currency);
  if (amount === null)
    throw providerFailed(`midtrans told an amount that ${currency} does not have: ${text}`);
  return { amount, currency };
}

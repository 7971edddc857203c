/**
 * What Xendit's statuses mean to us. PAID (the customer has paid) and SETTLED (we have the money) are one capture.
 */
import type { Money } from "../../../../broker/contract/schemas.ts";
import {
  ProviderRefused,
  type ProviderStatus,
  providerFailed,
  type RefundReport,
  type StatusReport,
} from "../provider.ts";
import { toMajor, toMinor, toWhole } from "../support/amounts.ts";
import type { Invoice, Refund } from "./api.ts";

const STATUS: ReadonlyMap<string, ProviderStatus> = new Map(
  Object.entries({
    PENDING: "pending",
    PAID: "captured",
    SETTLED: "captured",
    EXPIRED: "expired",
  }),
);

const REFUND: ReadonlyMap<string, RefundReport["status"]> = new Map(
  Object.entries({
    PENDING: "pending",
    SUCCEEDED: "succeeded",
    FAILED: "failed",
    CANCELLED: "failed",
  }),
);

/** @throws {SoukError} PROVIDER_FAILED for a status that Xendit does not document */
function statusOf(status: string): ProviderStatus {
  const ours = STATUS.get(status);
  if (!ours) throw providerFailed(`xendit has an invoice status that is unknown here: ${status}`);
  return ours;
}

export const isPaid = ({ status }: Pick<Invoice, "status">): boolean => statusOf(status) === "captured";

/**
 * Not documented, and read with care: an invoice that waits, and names a payment, is one whose customer has paid by a
 * bank that is slow. It ends as paid, without the payment, or expired.
 */
const isProcessing = ({ status, payment_id }: Pick<Invoice, "status" | "payment_id">): boolean =>
  status === "PENDING" && typeof payment_id === "string";

type Told = Pick<Invoice, "status" | "amount" | "paid_amount" | "currency" | "payment_id" | "fees">;

export function reportOf(invoice: Told, refunds: readonly Refund[]): StatusReport {
  const status = isProcessing(invoice) ? "processing" : statusOf(invoice.status);
  const figures = status === "captured" ? figuresOf(invoice) : { amount: null };
  const { amount, fee } = figures;
  const reports = refunds.map(refundOf);
  const given = reports
    .filter((it) => it.status === "succeeded")
    .reduce((sum, it) => sum + it.amount.amount, 0);
  return {
    status:
      amount && given > 0
        ? given < amount.amount - (fee?.amount ?? 0)
          ? "partially_refunded"
          : "refunded"
        : status,
    ...figures,
    receipt: amount ? (invoice.payment_id ?? null) : null,
    reason: status === "expired" ? "expired" : null,
    refunds: reports,
  };
}

type Figures = Pick<StatusReport, "fee"> & { amount: Money | null };

/**
 * What was paid, and of it the fees that Xendit has added to what we asked for. They may be in the invoice's amount or
 * beyond it. The fees that we pay (`fees_paid_amount`) are no part of it.
 */
function figuresOf({ amount: asked, paid_amount, currency, fees }: Told): Figures {
  // An invoice has a fixed amount, so a missing amount is that one.
  const amount = moneyOf(paid_amount ?? asked, currency);
  const fee = (fees ?? []).reduce((sum, { value }) => sum + moneyOf(value, currency).amount, 0);
  return fee > 0 ? { amount, fee: { amount: fee, currency } } : { amount };
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function refundOf(it: Refund): RefundReport {
  const status = REFUND.get(it.status);
  if (!status) throw providerFailed(`xendit has a refund status that is unknown here: ${it.status}`);
  return {
    // A refund made at Xendit has a reference of its own.
    refundId: it.reference_id && UUID.test(it.reference_id) ? it.reference_id : null,
    refundRef: it.id,
    amount: moneyOf(it.amount, it.currency),
    status,
    reason: status === "failed" ? (it.failure_code ?? it.status.toLowerCase()) : null,
  };
}

export function moneyOf(major: number, currency: string): Money {
  const amount = toMinor(major, currency);
  if (amount === null) throw providerFailed(`xendit told an amount that ${currency} does not have: ${major}`);
  return { amount, currency };
}

/** Whether Xendit permits fractions for a currency. */
export const CURRENCIES: ReadonlyMap<string, "whole" | "fractions"> = new Map(
  Object.entries({
    IDR: "whole",
    VND: "whole",
    PHP: "fractions",
    THB: "fractions",
    MYR: "fractions",
    USD: "fractions",
  }),
);

/** Xendit's amounts are JSON numbers. @throws {ProviderRefused} for unsupported currencies and fractions */
export function majorOf(money: Money): number {
  const kind = CURRENCIES.get(money.currency);
  if (!kind)
    throw new ProviderRefused(`xendit takes ${[...CURRENCIES.keys()].join(", ")}, not ${money.currency}`);
  const major = kind === "whole" ? toWhole(money) : Number(toMajor(money));
  if (!major) throw new ProviderRefused(`xendit takes no such amount of ${money.currency}`);
  return major;
}

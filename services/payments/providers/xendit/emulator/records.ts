/** Xendit's accounts: invoices and refunds, in its API's form. */
import { minorDigits } from "../../../../../broker/contract/values/currency.ts";
import type { ProviderRecord } from "../../emulator.ts";

export interface Invoice {
  readonly id: string;
  readonly external_id: string;
  status: "PENDING" | "PAID" | "SETTLED" | "EXPIRED";
  /** In major units, as all below. */
  readonly amount: number;
  readonly currency: string;
  readonly description: string;
  readonly payer_email?: string | undefined;
  readonly should_send_email: boolean;
  readonly success_redirect_url?: string | undefined;
  readonly failure_redirect_url?: string | undefined;
  readonly created: string;
  readonly expiry_date: string;
  updated: string;
  paid_amount?: number;
  paid_at?: string;
  payment_id?: string;
  /** Those that Xendit has added and the customer has paid. */
  fees?: { readonly type: string; readonly value: number }[];
  readonly metadata: unknown;
}

export interface Refund {
  readonly id: string;
  readonly invoice_id: string;
  readonly payment_id: string;
  readonly amount: number;
  readonly currency: string;
  readonly reference_id: string;
  readonly reason: string;
  readonly metadata: unknown;
  readonly created: string;
  status: "PENDING" | "SUCCEEDED" | "FAILED";
  failure_code: string | null;
  updated: string;
}

export const isPaid = ({ status }: Invoice): boolean => status === "PAID" || status === "SETTLED";

/** The amount that is refunded or pending. */
export const refundedOrPending = (refunds: readonly Refund[]): number =>
  refunds.filter((it) => it.status !== "FAILED").reduce((sum, it) => sum + it.amount, 0);

const WHOLE = new Set(["IDR", "VND"]);
const minor = (amount: number, currency: string): number => Math.round(amount * 10 ** minorDigits(currency));

export const isAmount = (amount: number, currency: string): boolean =>
  amount > 0 && (WHOLE.has(currency) ? Number.isInteger(amount) : /^\d+(\.\d{1,2})?$/.test(String(amount)));

/** The reverse conversion. */
export const major = (amount: number, currency: string): number => amount / 10 ** minorDigits(currency);

/** What of the paid amount the merchant has. */
const received = ({ paid_amount = 0, fees = [] }: Invoice): number =>
  paid_amount - fees.reduce((sum, { value }) => sum + value, 0);

export const recordOf = (it: Invoice, refunds: readonly Refund[]): ProviderRecord => ({
  providerRef: it.id,
  paymentId: it.external_id,
  status: it.status,
  amount: minor(it.amount, it.currency),
  currency: it.currency,
  captured: isPaid(it) ? minor(received(it), it.currency) : 0,
  refunded: minor(refundedOrPending(refunds.filter((one) => one.status === "SUCCEEDED")), it.currency),
});

/** In the form of answers. Lists of methods are empty, as for an account without any. */
export const invoiceBody = (it: Invoice, url: string) => ({
  ...it,
  user_id: "5f9a3fbd571a1c4068aa40ce",
  merchant_name: "Souk",
  merchant_profile_picture_url: `${url}/logo.png`,
  invoice_url: `${url}/web/${it.id}`,
  available_banks: [],
  available_retail_outlets: [],
  available_ewallets: [],
  available_qr_codes: [],
  available_direct_debits: [],
  available_paylaters: [],
});

/** In the form of webhooks. */
export const invoiceCallback = ({ metadata: _metadata, expiry_date: _expiry, ...it }: Invoice) => ({
  ...it,
  user_id: "5f9a3fbd571a1c4068aa40ce",
  is_high: false,
  merchant_name: "Souk",
  ...(isPaid(it as Invoice)
    ? { payment_method: "EWALLET", payment_channel: "DANA", ewallet_type: "DANA" }
    : {}),
});

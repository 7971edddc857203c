/** Midtrans' accounts: Snap pages and their transactions. */
import type { ProviderRecord } from "../../emulator.ts";

export type Status =
  | "authorize"
  | "capture"
  | "settlement"
  | "pending"
  | "deny"
  | "cancel"
  | "expire"
  | "refund"
  | "partial_refund"
  | "chargeback";

export interface Refund {
  readonly refund_chargeback_id: number;
  readonly refund_amount: string;
  readonly refund_key: string;
  readonly reason?: string;
  readonly created_at: string;
}

export interface Transaction {
  readonly id: string;
  status: Status;
  fraud: "accept" | "challenge" | "deny";
  readonly paymentType: string;
  /** Rupiah. The page's amount, unless the customer has paid another, without the fee. */
  readonly amount: number;
  /** Rupiah that Midtrans has added for itself. */
  readonly fee: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  settledAt: number | null;
  refunds: Refund[];
}

export interface Page {
  readonly token: string;
  readonly orderId: string;
  readonly amount: number;
  readonly expiresAt: number;
  /** Where its notifications go. Null means the account's address. */
  readonly notifyUrls: readonly (string | null)[];
  /** Where the customer goes from the page. */
  readonly finish: string | undefined;
  /** The customer's, to which receipts go. */
  readonly email: string | undefined;
  /** Null until the customer has chosen a method. */
  transaction: Transaction | null;
}

export const isPaid = ({ status, fraud }: Transaction): boolean =>
  (status === "capture" && fraud === "accept") ||
  ["settlement", "refund", "partial_refund", "chargeback"].includes(status);

/** What the customer pays. */
export const gross = ({ amount, fee }: Transaction): number => amount + fee;

export const refunded = ({ refunds }: Transaction): number =>
  refunds.reduce((sum, it) => sum + Number(it.refund_amount), 0);

/** A rupiah has 100 minor units, though nobody pays in sen. */
export const SEN = 100;

export function recordOf({ orderId, amount, transaction }: Page): ProviderRecord {
  return {
    providerRef: orderId,
    paymentId: orderId.slice(0, 36),
    status: transaction?.status ?? "opened",
    amount: amount * SEN,
    currency: "IDR",
    captured: transaction && isPaid(transaction) ? transaction.amount * SEN : 0,
    refunded: transaction ? refunded(transaction) * SEN : 0,
  };
}

/** GMT+7, in Midtrans' format. */
export const jakarta = (at: number): string =>
  new Date(at + 7 * 3_600_000).toISOString().slice(0, 19).replace("T", " ");

export const decimal = (rupiah: number): string => `${rupiah}.00`;

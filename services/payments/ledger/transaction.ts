/**
 * Double entry: each movement of money is one transaction. Its entries have one currency and sum to zero. Money
 * received by an account is positive.
 * - `provider:<name>`: what the provider holds for the shop
 * - `sales`: payments of orders (negative, because money comes from there)
 * - `refunds`: refunded part of it
 * - `suspense`: money that belongs to no order, until staff have decided
 * - `disputes`: money that customers' banks have taken back
 * - `surcharges`: what customers have paid on top, because the provider has added it for itself (negative, as `sales`)
 * - `fees:<name>`: the same money at the provider, who keeps it. It is neither revenue nor held for the shop.
 */
import type { DataOut } from "../../../broker/contract/contract.ts";

export type Booking = DataOut<"ledger.book">;

export interface Entry {
  account: string;
  /** Minor units. */
  amount: number;
}

export interface Transaction extends Omit<Booking, "id" | "amount" | "fee"> {
  /** Id of the booking. */
  _id: string;
  currency: string;
  entries: Entry[];
}

/** From which account to which. `provider` means the provider of the payment. */
const MOVES: Record<Booking["kind"], { from: string; to: string }> = {
  capture: { from: "sales", to: "provider" },
  refund: { from: "provider", to: "refunds" },
  // The refund did not reach the customer, so the provider has the money again.
  refund_returned: { from: "suspense", to: "provider" },
  duplicate_capture: { from: "suspense", to: "provider" },
  duplicate_capture_refund: { from: "provider", to: "suspense" },
  surplus: { from: "suspense", to: "provider" },
  surplus_refund: { from: "provider", to: "suspense" },
  dispute: { from: "provider", to: "disputes" },
};

export function transactionOf({ id, amount, fee = 0, ...booking }: Booking): Transaction {
  const { from, to } = MOVES[booking.kind];
  const account = (name: string) => (name === "provider" ? `provider:${booking.provider}` : name);
  return {
    _id: id,
    ...booking,
    currency: amount.currency,
    entries: [
      { account: account(to), amount: amount.amount },
      { account: account(from), amount: -amount.amount },
      ...(fee === 0
        ? []
        : [
            { account: `fees:${booking.provider}`, amount: fee },
            { account: "surcharges", amount: -fee },
          ]),
    ],
  };
}

export interface Balance extends Entry {
  currency: string;
}

/** Whether the sum of all accounts is zero in every currency. */
export function isBalanced(balances: readonly Balance[]): boolean {
  const sums = new Map<string, number>();
  for (const { currency, amount } of balances) sums.set(currency, (sums.get(currency) ?? 0) + amount);
  return [...sums.values()].every((sum) => sum === 0);
}

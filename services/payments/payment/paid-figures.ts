/** What was owed, what was paid, and what of it the provider has added for itself. Pure. */
import type { DataOut } from "../../../broker/contract/contract.ts";
import type { Money } from "../../../broker/contract/schemas.ts";

type Figures = Pick<DataOut<"payment.report">, "amount" | "asked" | "fee">;

/** What of the paid amount is the shop's, and the provider's fee on top. */
export interface Paid {
  readonly kept: Money;
  /** Minor units, in the same currency. */
  readonly fee: number;
}

/**
 * A fee is believed where the provider declares it, in the currency of the payment, and it leaves something. Where
 * exactly the amount owed was paid, nothing is on top of it, whatever fee the provider names.
 * @returns null where the report has no amount
 */
export function paidOf({ amount: paid, fee }: Figures, owed: Money): Paid | null {
  if (!paid) return null;
  const added = fee?.currency === paid.currency ? fee.amount : 0;
  if (added === 0 || added >= paid.amount || paid.amount === owed.amount) return { kept: paid, fee: 0 };
  return { kept: { ...paid, amount: paid.amount - added }, fee: added };
}

/** Whether it pays what is owed. Null where it does. A difference without a declared fee is a mismatch. */
export function mismatchOf(figures: Figures, owed: Money): "amount_mismatch" | "currency_mismatch" | null {
  const paid = paidOf(figures, owed);
  const told = [paid?.kept, figures.asked].filter((it) => it !== null && it !== undefined);
  if (told.some((it) => it.currency !== owed.currency)) return "currency_mismatch";
  return paid && told.every((it) => it.amount === owed.amount) ? null : "amount_mismatch";
}

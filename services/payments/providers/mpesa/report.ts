/** Daraja's answer about a push and what was called back, together. */
import type { RefundReport, StatusReport } from "../provider.ts";
import type { QueryResult } from "./daraja.ts";
import type { Push } from "./push.model.ts";
import { meaningOf } from "./results.ts";

export const PAID: QueryResult = { code: "0", description: "" };

const kes = (amount: number) => ({ amount, currency: "KES" });

/**
 * That it is paid, only the answer says. The amount is what the phone was asked for, which is all that can be paid on it;
 * the receipt is the callback's, which alone tells it.
 */
export function reportOf(push: Push, result: QueryResult): StatusReport {
  const { status, reason } = result === "pending" ? { status: result, reason: null } : meaningOf(result.code);
  if (status !== "captured") return { status, amount: null, receipt: null, reason, refunds: [] };
  const { amount, callback } = push;
  const agreed = callback?.resultCode === "0" && callback.amount === amount ? callback : null;
  const given = push.reversals
    .filter((it) => it.status === "succeeded")
    .reduce((sum, it) => sum + it.amount, 0);
  return {
    status: given === 0 ? "captured" : given < amount ? "partially_refunded" : "refunded",
    amount: kes(amount),
    receipt: agreed?.receipt ?? null,
    reason: null,
    refunds: refundsOf(push),
  };
}

export const refundsOf = (push: Push): RefundReport[] =>
  push.reversals.map(({ refundId, amount, status, conversationId, failure }) => ({
    refundId,
    refundRef: conversationId ?? refundId,
    amount: kes(amount),
    status,
    // Kept in full by earlier versions.
    reason: failure?.slice(0, 500) ?? null,
  }));

/** Combines Daraja's answer about a push with its callback. */
import type { RefundReport, StatusReport } from "../provider.ts";
import type { QueryResult } from "./daraja.ts";
import type { Push } from "./push.model.ts";
import { meaningOf } from "./results.ts";

export const PAID: QueryResult = { code: "0", description: "" };

const kes = (amount: number) => ({ amount, currency: "KES" });

/**
 * Only the answer says that it is paid. The amount is the requested one, because no other can be paid. The receipt is
 * from the callback, which alone contains it.
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
    // Earlier versions stored the complete text.
    reason: failure?.slice(0, 500) ?? null,
  }));

/** Combines Daraja's answer about a push with its callback. */
import type { RefundReport, StatusReport } from "../provider.ts";
import type { QueryResult } from "./daraja.ts";
import type { Push } from "./push.model.ts";
import { meaningOf } from "./results.ts";

export const PAID: QueryResult = { code: "0", description: "" };

const kes = (amount: number) => ({ amount, currency: "KES" });

/** By then a prompt has ended long ago. */
export const PROMPT_ENDS_MS = 120_000;

/**
 * Only the answer says that it is paid. The amount is the requested one, because no other can be paid. The receipt is
 * from the callback, which alone contains it. Where Safaricom still works on it after the prompt has ended, the PIN was
 * entered, and the result is not known.
 */
export function reportOf(push: Push, result: QueryResult, now: number): StatusReport {
  const { status: told, reason } =
    result === "pending" ? { status: result, reason: null } : meaningOf(result.code);
  const isOver = now - push.sentAt.getTime() >= PROMPT_ENDS_MS;
  const status = told === "pending" && isOver ? "processing" : told;
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

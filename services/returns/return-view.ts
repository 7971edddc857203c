/** The return as clients see it. */
import type { z } from "zod";
import { moneyOf, type ReturnState } from "./return/state.ts";
import { type returnView as schema, sumOf } from "./returns.schemas.ts";

export function returnView(id: string, state: ReturnState): z.output<typeof schema> {
  return {
    id,
    orderId: state.orderId,
    orderNumber: state.orderNumber,
    status: state.status,
    reason: state.reason,
    lines: state.lines.map((line, n) => {
      const { accepted = null, restock: restocked = false } = state.received?.[n] ?? {};
      return { ...line, accepted, restocked };
    }),
    amount: moneyOf(state, sumOf(state.lines)),
    refund: refundView(state),
    refusal: state.refusal,
    expiresAt: state.expiresAt,
    history: state.history,
    createdAt: state.createdAt,
  };
}

function refundView(state: ReturnState) {
  const { refund, reduction: reason } = state;
  if (refund) {
    const { status, amount, failure } = refund;
    return { status, amount: moneyOf(state, amount), reason, failure };
  }
  if (state.status !== "refunded") return null;
  return { status: "succeeded" as const, amount: moneyOf(state, 0), reason, failure: null };
}

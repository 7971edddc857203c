/** Attempts to pay an order, and their outcomes. Pure. */

import { type Attempt, mayStillCapture, refundedOf } from "./state.ts";

/** Maximum number of attempts per order. It bounds the order's document. */
export const MAX_ATTEMPTS = 20;

export const cancelledAttempt = (it: Attempt): Attempt =>
  mayStillCapture(it) || it.status === "planned" ? { ...it, status: "cancelled", nextAction: null } : it;

/** The report of a refund may arrive before that of its capture. */
export const withCapture = (it: Attempt, amount: number): Attempt =>
  settle({ ...it, captured: amount, nextAction: null });

export const settle = (it: Attempt): Attempt => {
  const back = refundedOf(it);
  if (it.captured === null) return it;
  return { ...it, status: back === 0 ? "captured" : back < it.captured ? "partially_refunded" : "refunded" };
};

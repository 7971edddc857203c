/** Attempts to pay an order, and what becomes of them. Pure. */

import { type Attempt, mayStillTake, refundedOf } from "./state.ts";

/** Attempts to pay one order; bounds its document. */
export const MAX_ATTEMPTS = 20;

export const cancelledAttempt = (it: Attempt): Attempt =>
  mayStillTake(it) || it.status === "planned" ? { ...it, status: "cancelled", nextAction: null } : it;

/** A refund may have been heard of before the capture. */
export const withCapture = (it: Attempt, amount: number): Attempt =>
  settle({ ...it, captured: amount, nextAction: null });

export const settle = (it: Attempt): Attempt => {
  const back = refundedOf(it);
  if (it.captured === null) return it;
  return { ...it, status: back === 0 ? "captured" : back < it.captured ? "partially_refunded" : "refunded" };
};

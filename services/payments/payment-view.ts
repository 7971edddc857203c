/** A payment as clients see it. */
import { inCurrencyOf, type Payment, refunded } from "./payment/state.ts";

/** Customers do not see problems between the shop and its provider. */
const NOT_OPEN_YET =
  "The payment could not be started yet. It is tried again; another way to pay can be chosen.";

export const paymentView = (id: string, it: Payment) => ({
  id,
  orderId: it.orderId,
  provider: it.provider,
  status: it.status,
  amount: it.amount,
  paid: inCurrencyOf(it, it.captured + it.fee),
  fee: inCurrencyOf(it, it.fee),
  captured: inCurrencyOf(it, it.captured),
  refunded: inCurrencyOf(it, refunded(it)),
  receipt: it.receipt,
  nextAction: it.nextAction,
  failure: it.failure ?? (it.status === "requested" && it.opening ? NOT_OPEN_YET : null),
  refunds: it.refunds.map(({ refundRef: _, ...one }) => ({ ...one, amount: inCurrencyOf(it, one.amount) })),
  disputed: it.disputed,
  createdAt: it.createdAt,
});

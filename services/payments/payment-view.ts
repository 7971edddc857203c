/** A payment as clients see it. */
import { inCurrencyOf, type Payment, refunded } from "./payment.state.ts";

export const paymentView = (id: string, it: Payment) => ({
  id,
  orderId: it.orderId,
  provider: it.provider,
  status: it.status,
  amount: it.amount,
  captured: inCurrencyOf(it, it.captured),
  refunded: inCurrencyOf(it, refunded(it)),
  receipt: it.receipt,
  nextAction: it.nextAction,
  failure: it.failure,
  refunds: it.refunds.map((one) => ({ ...one, amount: inCurrencyOf(it, one.amount) })),
  createdAt: it.createdAt,
});

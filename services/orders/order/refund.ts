/** Money is refunded: a capture that no order needs, and refunds by staff. Pure. */

import { send } from "../../../broker/actor/define-actor.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import { settle, withCapture } from "./attempts.ts";
import type { Decided } from "./decision.ts";
import { about, deliveryData, refundAll } from "./messages.ts";
import { attemptOf, enter, type OrderState, refundedOf, withAttempt } from "./state.ts";

/** Refunds money for an order that has ended or is already paid. A repeated report changes nothing. */
export function refundCapture(state: OrderState, { subject, data }: Message<"payment.captured">): Decided {
  const known = attemptOf(state, data.paymentId);
  if (known && known.captured !== null) return { state };
  const taken = known && withCapture(known, data.amount.amount);
  return {
    state: taken ? withAttempt(state, taken) : state,
    send:
      taken?.status === "refunded" ? [] : [refundAll(subject, data.paymentId, "the order did not need it")],
  };
}

/** Refunds money for an order that does not exist. */
export const refundUnknownOrder = (_: null, { subject, data }: Message<"payment.captured">): Decided => ({
  state: null,
  send: [refundAll(subject, data.paymentId, "there is no such order")],
});

/** Records a refund, without a consequence for the order. */
export const refundNoted = (state: OrderState, message: Message<"payment.refunded">): Decided => ({
  state: noteRefund(state, message),
});

function noteRefund(state: OrderState, { data }: Message<"payment.refunded">): OrderState {
  const it = attemptOf(state, data.paymentId);
  if (!it || Object.hasOwn(it.refunds, data.refundId)) return state;
  const refunds = { ...it.refunds, [data.refundId]: data.amount.amount };
  return withAttempt(state, settle({ ...it, refunds }));
}

/**
 * When the whole payment of the order is refunded, the order is refunded. A delivery that has not left is cancelled.
 */
export function refunded(state: OrderState, message: Message<"payment.refunded">): Decided {
  const { subject, time } = message;
  const noted = noteRefund(state, message);
  const paying = state.paidBy ? attemptOf(noted, state.paidBy) : undefined;
  if (paying?.status !== "refunded") return { state: noted };
  const amount = { amount: refundedOf(paying), currency: state.total.currency };
  return {
    state: enter(noted, "refunded", time),
    send: [
      ...(state.status === "paid"
        ? [send("delivery.cancel", state.deliveryId, deliveryData(state, subject))]
        : []),
      send("order.refunded", subject, { ...about(state), amount }),
    ],
  };
}

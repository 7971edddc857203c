/** An order is paid: attempts, and the capture that makes it paid. Pure. */

import { send } from "../../../broker/actor/define-actor.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import { cancelledAttempt, MAX_ATTEMPTS, withCapture } from "./attempts.ts";
import { type Decided, EXPIRY, expiresAt, refuse } from "./decision.ts";
import { close } from "./end-unpaid.ts";
import { about, cancelAttempts, deliveryData, holdMessages, requestPayment } from "./messages.ts";
import { refundCapture } from "./refund.ts";
import {
  type Attempt,
  attemptOf,
  enter,
  isOpen,
  isProcessing,
  mapHolds,
  mayStillCapture,
  type OrderState,
  withAttempt,
} from "./state.ts";

/** A new attempt. Earlier attempts that could still take money are cancelled. */
export function pay(state: OrderState, { subject, data }: Message<"order.pay">): Decided {
  if (attemptOf(state, data.paymentId)) return { state };
  if (state.attempts.some(isProcessing))
    return refuse(
      "ORDER_NOT_PAYABLE",
      "The bank still works on a payment that was made. It can't be called back, so another one would be paid twice.",
    )(state);
  if (state.attempts.length >= MAX_ATTEMPTS)
    return refuse("ORDER_NOT_PAYABLE", `${MAX_ATTEMPTS} attempts to pay are the most.`)(state);
  const next: Attempt = {
    id: data.paymentId,
    choice: data.payment,
    status: "requested",
    nextAction: null,
    round: 0,
    captured: null,
    refunds: {},
  };
  return {
    state: { ...state, attempts: [...state.attempts.map(cancelledAttempt), next] },
    send: [...cancelAttempts(state, "another attempt was made"), requestPayment(state, subject, next)],
  };
}

/** A repeated request finds its attempt. A new one is refused in this status. */
export const refusePayment =
  (why: string) =>
  (state: OrderState, { data }: Message<"order.pay">): Decided =>
    attemptOf(state, data.paymentId) ? { state } : refuse("ORDER_NOT_PAYABLE", why)(state);

export function pending(state: OrderState, { data }: Message<"payment.pending">): Decided {
  const it = attemptOf(state, data.paymentId);
  if (it?.status !== "requested") return { state };
  return { state: withAttempt(state, { ...it, status: "pending", nextAction: data.nextAction }) };
}

/**
 * Money is on its way: the order keeps its stock past its time to pay, as long as that method may take. An attempt that
 * was called off is not waited for. If it is captured all the same, it still counts, or is refunded.
 */
export function processing(state: OrderState, { data }: Message<"payment.processing">): Decided {
  const it = attemptOf(state, data.paymentId);
  if (!it || !mayStillCapture(it) || data.round <= it.round) return { state };
  const until = Math.max(Date.parse(data.until), Date.parse(state.expiresAt));
  return {
    state: withAttempt(state, { ...it, status: "processing", nextAction: null, round: data.round }),
    timers: [expiresAt(until)],
  };
}

/** Of an order that does not wait for its payment any more. */
export function attemptEnded(
  state: OrderState,
  { type, data }: Message<"payment.failed" | "payment.expired">,
): Decided {
  const it = attemptOf(state, data.paymentId);
  const round = data.round ?? 0;
  if (!it || !isOpen(it) || round < it.round) return { state };
  const status = type === "payment.failed" ? "failed" : "expired";
  return { state: withAttempt(state, { ...it, status, nextAction: null, round }) };
}

/** The order stays payable until its time is over. Where the bank has taken longer than that, it ends now. */
export function attemptEndedInTime(
  state: OrderState,
  message: Message<"payment.failed" | "payment.expired">,
): Decided {
  const noted = attemptEnded(state, message);
  const wasProcessing = state.attempts.some(isProcessing) && !noted.state?.attempts.some(isProcessing);
  if (!noted.state || !wasProcessing) return noted;
  const end = Date.parse(state.expiresAt);
  return Date.parse(message.time) < end
    ? { ...noted, timers: [expiresAt(end)] }
    : close(noted.state, message, "expired", "the payment failed, and the time to pay is over");
}

/**
 * Here an order becomes paid. The held units are sold, the delivery is requested, and other attempts are cancelled. A
 * free order becomes paid when its stock is held, in hold-stock.ts.
 */
export function captured(state: OrderState, message: Message<"payment.captured">): Decided {
  const { data } = message;
  const known = attemptOf(state, data.paymentId);
  if (!known || known.captured !== null) return refundCapture(state, message);
  const taken = withCapture(known, data.amount.amount);
  const noted = withAttempt(state, taken);
  return taken.status === "refunded" ? { state: noted } : becomePaid(noted, message, taken.id);
}

/** @param paidBy the attempt that paid; null where there is nothing to pay */
export function becomePaid(
  state: OrderState,
  { subject, time }: Pick<Message, "subject" | "time">,
  paidBy: string | null,
): Decided {
  return {
    state: enter(state, "paid", time, {
      paidBy,
      holds: mapHolds(state, (it) => (it.status === "held" ? { ...it, status: "sold" } : it)),
      attempts: state.attempts.map(cancelledAttempt),
      delivery: { id: state.deliveryId, status: "requested", tracking: null },
    }),
    send: [
      ...holdMessages(state, "stock.commit", subject),
      ...cancelAttempts(state, "paid in another way"),
      send("delivery.request", state.deliveryId, deliveryData(state, subject)),
      send("order.paid", subject, {
        ...about(state),
        lines: state.lines,
        total: state.total,
        shippingAddress: state.shippingAddress,
        ...(state.guest && { guestCartId: state.guest.cartId }),
        paymentId: paidBy,
      }),
    ],
    timers: [{ cancel: EXPIRY }],
  };
}

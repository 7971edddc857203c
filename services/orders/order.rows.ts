/** What an order does about each message: the rows of the table in order.actor.ts. Pure. */
import { type Decision, type Outgoing, send } from "../../broker/actor/define-actor.ts";
import type { Message } from "../../broker/contract/envelope.ts";
import type { ErrorCode } from "../../broker/contract/errors.ts";
import { derivedV7 } from "../../broker/contract/ids.ts";
import {
  type Attempt,
  attemptOf,
  enter,
  holdOf,
  isOpen,
  mapHolds,
  mayStillTake,
  type OrderState,
  refundedOf,
  withAttempt,
  withHold,
} from "./order.state.ts";

export type OrderMessage =
  | "order.place"
  | "order.pay"
  | "order.cancel"
  | "order.expire"
  | "stock.reserved"
  | "stock.rejected"
  | "payment.pending"
  | "payment.captured"
  | "payment.failed"
  | "payment.expired"
  | "payment.refunded"
  | "delivery.created"
  | "delivery.shipped"
  | "delivery.succeeded"
  | "delivery.failed"
  | "delivery.cancelled";

type Decided = Decision<OrderState>;

/** Attempts to pay one order; bounds its document. */
export const MAX_ATTEMPTS = 20;
const EXPIRY = "expiry";

/** Refuses what was asked for inline. */
export const refuse =
  (code: ErrorCode, why: string) =>
  (state: OrderState): Decided => ({ state, refusal: { code, detail: why } });

const who = ({ number, customerId }: OrderState) => ({ number, customerId });

// ---- placing -------------------------------------------------------------------------------------------------

export function place(_: null, { subject, data, time }: Message<"order.place">): Decided {
  const { number, customerId, lines, total, shippingAddress, payment, paymentId, deliveryId, expiresAt } =
    data;
  const first: Attempt = {
    id: paymentId,
    choice: payment,
    status: "planned",
    nextAction: null,
    captured: null,
    refunds: {},
  };
  return {
    state: {
      status: "placed",
      number,
      customerId,
      lines,
      holds: Object.fromEntries(lines.map((line) => [line.sku, { status: "asked" }])),
      total,
      shippingAddress,
      attempts: [first],
      paidBy: null,
      deliveryId,
      delivery: null,
      restocked: false,
      reason: null,
      history: [{ status: "placed", at: time }],
      createdAt: time,
      expiresAt,
    },
    send: [
      ...lines.map((line) => send("stock.reserve", line.sku, { orderId: subject, quantity: line.quantity })),
      send("order.placed", subject, { number, customerId, total }),
    ],
    timers: [{ set: EXPIRY, message: { type: "order.expire", data: {} }, due: Date.parse(expiresAt) }],
  };
}

// ---- stock ---------------------------------------------------------------------------------------------------

/** Holds the line; with the last one the payment is asked for. */
export function reserved(state: OrderState, message: Message<"stock.reserved">): Decided {
  const { subject, data, time } = message;
  if (holdOf(state, data.sku)?.status !== "asked") return releaseStray(state, message);
  const held = withHold(state, data.sku, { status: "held", generation: data.generation });
  if (Object.values(held.holds).some((it) => it.status !== "held")) return { state: held };
  return {
    state: enter(held, "awaiting_payment", time, {
      attempts: held.attempts.map((it) => ({ ...it, status: "requested" })),
    }),
    send: held.attempts.map((it) => requestPayment(held, subject, it)),
  };
}

/**
 * Units held for an order that does not want them (any more). A hold that the order has recorded is left alone:
 * then the message is a redelivered one.
 */
export function releaseStray(state: OrderState, { subject, data }: Message<"stock.reserved">): Decided {
  const { sku, generation } = data;
  const known = holdOf(state, sku);
  if (known && "generation" in known && known.generation === generation) return { state };
  return {
    state: known?.status === "asked" ? withHold(state, sku, { status: "released", generation }) : state,
    send: [send("stock.release", sku, { orderId: subject, generation })],
  };
}

export function rejected(state: OrderState, message: Message<"stock.rejected">): Decided {
  if (holdOf(state, message.data.sku)?.status !== "asked") return { state };
  return close(noteRejected(state, message), message, "rejected", "not enough stock");
}

/** Another line of a rejected order could not be had either: for the customer to know. */
export const alsoRejected = (state: OrderState, message: Message<"stock.rejected">): Decided => ({
  state: noteRejected(state, message),
});

const noteRejected = (state: OrderState, { data }: Message<"stock.rejected">): OrderState =>
  holdOf(state, data.sku)?.status === "asked"
    ? withHold(state, data.sku, { status: "rejected", available: data.available })
    : state;

// ---- ends before payment -------------------------------------------------------------------------------------

export const cancel = (state: OrderState, message: Message<"order.cancel">): Decided =>
  close(state, message, "cancelled", message.data.reason);

export const expire = (state: OrderState, message: Message<"order.expire">): Decided =>
  close(state, message, "expired", "not paid in time");

/** Ends an unpaid order: frees what it holds, stops what could still take money. Unanswered lines stay asked for. */
function close(
  state: OrderState,
  { subject, time }: Pick<Message, "subject" | "time">,
  status: "rejected" | "cancelled" | "expired",
  reason: string | null,
): Decided {
  return {
    state: enter(state, status, time, {
      reason,
      holds: mapHolds(state, (it) => (it.status === "held" ? { ...it, status: "released" } : it)),
      attempts: state.attempts.map(calledOff),
    }),
    send: [
      ...holdMessages(state, "stock.release", subject),
      ...callOff(state, `order ${status}`),
      send(`order.${status}`, subject, { ...who(state), reason }),
    ],
    timers: [{ cancel: EXPIRY }],
  };
}

const holdMessages = (
  state: OrderState,
  type: "stock.release" | "stock.commit",
  orderId: string,
): Outgoing[] =>
  Object.entries(state.holds).flatMap(([sku, it]) =>
    it.status === "held" ? [send(type, sku, { orderId, generation: it.generation })] : [],
  );

// ---- paying --------------------------------------------------------------------------------------------------

const requestPayment = (state: OrderState, orderId: string, { id, choice }: Pick<Attempt, "id" | "choice">) =>
  send("payment.request", id, {
    orderId,
    orderNumber: state.number,
    customerId: state.customerId,
    amount: state.total,
    payment: choice,
    expiresAt: state.expiresAt,
  });

/** A new attempt; whatever the earlier ones could still take is called off. */
export function pay(state: OrderState, { subject, data }: Message<"order.pay">): Decided {
  if (attemptOf(state, data.paymentId)) return { state };
  if (state.attempts.length >= MAX_ATTEMPTS)
    return refuse("ORDER_NOT_PAYABLE", `${MAX_ATTEMPTS} attempts to pay are the most.`)(state);
  const next: Attempt = {
    id: data.paymentId,
    choice: data.payment,
    status: "requested",
    nextAction: null,
    captured: null,
    refunds: {},
  };
  return {
    state: { ...state, attempts: [...state.attempts.map(calledOff), next] },
    send: [...callOff(state, "another attempt was made"), requestPayment(state, subject, next)],
  };
}

/** Stops the attempts by which money could still come. */
const callOff = (state: OrderState, reason: string): Outgoing[] =>
  state.attempts.filter(mayStillTake).map((it) => send("payment.cancel", it.id, { reason }));

const calledOff = (it: Attempt): Attempt =>
  mayStillTake(it) || it.status === "planned" ? { ...it, status: "cancelled", nextAction: null } : it;

/** A repeated request to pay finds its attempt; a new one comes at the wrong time. */
export const payLate =
  (why: string) =>
  (state: OrderState, { data }: Message<"order.pay">): Decided =>
    attemptOf(state, data.paymentId) ? { state } : refuse("ORDER_NOT_PAYABLE", why)(state);

export function pending(state: OrderState, { data }: Message<"payment.pending">): Decided {
  const it = attemptOf(state, data.paymentId);
  if (it?.status !== "requested") return { state };
  return { state: withAttempt(state, { ...it, status: "pending", nextAction: data.nextAction }) };
}

export function attemptEnded(
  state: OrderState,
  { type, data }: Message<"payment.failed" | "payment.expired">,
): Decided {
  const it = attemptOf(state, data.paymentId);
  if (!it || !isOpen(it)) return { state };
  const status = type === "payment.failed" ? "failed" : "expired";
  return { state: withAttempt(state, { ...it, status, nextAction: null }) };
}

/** Here an order becomes paid: the held units are sold, the delivery is asked for, other attempts are called off. */
export function captured(state: OrderState, message: Message<"payment.captured">): Decided {
  const { subject, data, time } = message;
  const known = attemptOf(state, data.paymentId);
  if (!known || known.captured !== null) return refundCapture(state, message);
  const taken = withCapture(known, data.amount.amount);
  const noted = withAttempt(state, taken);
  if (taken.status === "refunded") return { state: noted };
  return {
    state: enter(noted, "paid", time, {
      paidBy: taken.id,
      holds: mapHolds(noted, (it) => (it.status === "held" ? { ...it, status: "sold" } : it)),
      attempts: noted.attempts.map(calledOff),
      delivery: { id: state.deliveryId, status: "requested", tracking: null },
    }),
    send: [
      ...holdMessages(noted, "stock.commit", subject),
      ...callOff(noted, "paid in another way"),
      send("delivery.request", state.deliveryId, deliveryData(state, subject)),
      send("order.paid", subject, {
        ...who(state),
        lines: state.lines,
        total: state.total,
        shippingAddress: state.shippingAddress,
        paymentId: taken.id,
      }),
    ],
    timers: [{ cancel: EXPIRY }],
  };
}

/** Money for an order that is over, or paid already, goes back; a repeated report changes nothing. */
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

/** Money for an order that is not there goes back. */
export const refundStray = (_: null, { subject, data }: Message<"payment.captured">): Decided => ({
  state: null,
  send: [refundAll(subject, data.paymentId, "there is no such order")],
});

/** Gives back all that is left of a payment; asking again gives the same refund. */
const refundAll = (orderId: string, paymentId: string, reason: string) =>
  send("payment.refund", paymentId, {
    refundId: derivedV7(paymentId, "refund", orderId),
    amount: null,
    reason,
  });

/** A refund may have been heard of before the capture. */
const withCapture = (it: Attempt, amount: number): Attempt =>
  settle({ ...it, captured: amount, nextAction: null });

const settle = (it: Attempt): Attempt => {
  const back = refundedOf(it);
  if (it.captured === null) return it;
  return { ...it, status: back === 0 ? "captured" : back < it.captured ? "partially_refunded" : "refunded" };
};

/** Notes what was given back, without a consequence for the order. */
export const refundNoted = (state: OrderState, message: Message<"payment.refunded">): Decided => ({
  state: noteRefund(state, message),
});

function noteRefund(state: OrderState, { data }: Message<"payment.refunded">): OrderState {
  const it = attemptOf(state, data.paymentId);
  if (!it || Object.hasOwn(it.refunds, data.refundId)) return state;
  const refunds = { ...it.refunds, [data.refundId]: data.amount.amount };
  return withAttempt(state, settle({ ...it, refunds }));
}

/** When all that paid the order has been given back, the order is refunded; what has not left yet must not leave. */
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
      send("order.refunded", subject, { ...who(state), amount }),
    ],
  };
}

// ---- delivering ----------------------------------------------------------------------------------------------

const deliveryData = (state: OrderState, orderId: string) => ({
  orderId,
  orderNumber: state.number,
  customerId: state.customerId,
  shippingAddress: state.shippingAddress,
  items: state.lines.map(({ sku, name, quantity }) => ({ sku, name, quantity })),
});

type DeliverySummary = NonNullable<OrderState["delivery"]>;
const PROGRESS: Record<DeliverySummary["status"], number> = {
  requested: 0,
  created: 1,
  shipped: 2,
  delivered: 3,
  failed: 3,
  cancelled: 3,
};

/** The delivery as the order shows it: it only goes forward, whatever order the reports come in. */
function delivering(
  state: OrderState,
  status: DeliverySummary["status"],
  tracking?: string | null,
): Pick<OrderState, "delivery"> {
  const { delivery } = state;
  if (!delivery) throw new Error(`order ${state.number} has no delivery to become ${status}`);
  const forward = PROGRESS[status] > PROGRESS[delivery.status];
  const news = tracking ?? delivery.tracking;
  if (!forward && news === delivery.tracking) return { delivery };
  return { delivery: { ...delivery, status: forward ? status : delivery.status, tracking: news } };
}

/** Notes how far the delivery is without a consequence for the order. */
function noteDelivery(
  state: OrderState,
  status: DeliverySummary["status"],
  tracking?: string | null,
): Decided {
  const { delivery } = delivering(state, status, tracking);
  return { state: delivery === state.delivery ? state : { ...state, delivery } };
}

export const noteCreated = (state: OrderState): Decided => noteDelivery(state, "created");
export const noteShipped = (state: OrderState, { data }: Message<"delivery.shipped">): Decided =>
  noteDelivery(state, "shipped", data.tracking);
export const noteSucceeded = (state: OrderState): Decided => noteDelivery(state, "delivered");

export function shipped(state: OrderState, { subject, data, time }: Message<"delivery.shipped">): Decided {
  return {
    state: enter(state, "shipped", time, delivering(state, "shipped", data.tracking)),
    send: [send("order.shipped", subject, { ...who(state), tracking: data.tracking })],
  };
}

export function delivered(state: OrderState, { subject, time }: Message<"delivery.succeeded">): Decided {
  return {
    state: enter(state, "delivered", time, delivering(state, "delivered")),
    send: [send("order.delivered", subject, { ...who(state), lines: state.lines, total: state.total })],
  };
}

export function deliveryFailed(state: OrderState, message: Message<"delivery.failed">): Decided {
  const { subject, data, time } = message;
  if (!state.paidBy) throw new Error(`order ${state.number} is delivered but nobody paid it`);
  const back = restock(state, subject, "delivery failed");
  return {
    state: enter(back.state, "delivery_failed", time, {
      ...delivering(state, "failed"),
      reason: data.reason,
    }),
    send: [
      ...back.send,
      refundAll(subject, state.paidBy, `delivery failed: ${data.reason}`),
      send("order.delivery_failed", subject, { ...who(state), reason: data.reason }),
    ],
  };
}

/** The goods of a refunded order come back, stopped or failed. */
export const goodsBack =
  (status: "failed" | "cancelled") =>
  (state: OrderState, { subject }: Message<"delivery.failed" | "delivery.cancelled">): Decided => {
    const back = restock(state, subject, `delivery ${status}`);
    return { ...noteDelivery(back.state, status), send: back.send };
  };

/** Gives the sold units back to stock, once. */
function restock(
  state: OrderState,
  orderId: string,
  reason: string,
): { state: OrderState; send: Outgoing[] } {
  if (state.restocked) return { state, send: [] };
  return {
    state: { ...state, restocked: true },
    send: state.lines.map(({ sku, quantity }) => send("stock.restock", sku, { orderId, quantity, reason })),
  };
}

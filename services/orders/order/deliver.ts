/** A paid order is delivered. When delivery fails, its money is refunded and its goods return to stock. Pure. */

import { type Outgoing, send } from "../../../broker/actor/define-actor.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import type { Decided } from "./decision.ts";
import { about, refundAll } from "./messages.ts";
import { enter, type OrderState } from "./state.ts";

type DeliverySummary = NonNullable<OrderState["delivery"]>;

const PROGRESS: Record<DeliverySummary["status"], number> = {
  requested: 0,
  created: 1,
  shipped: 2,
  delivered: 3,
  failed: 3,
  cancelled: 3,
};

/** The delivery as the order shows it. It only advances, in whatever order the reports arrive. */
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

/** Records the delivery's progress, without a consequence for the order. */
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
    send: [send("order.shipped", subject, { ...about(state), tracking: data.tracking })],
  };
}

export function delivered(state: OrderState, { subject, time }: Message<"delivery.succeeded">): Decided {
  return {
    state: enter(state, "delivered", time, delivering(state, "delivered")),
    send: [send("order.delivered", subject, { ...about(state), lines: state.lines, total: state.total })],
  };
}

export function deliveryFailed(state: OrderState, message: Message<"delivery.failed">): Decided {
  const { subject, data, time } = message;
  const back = restock(state, subject, "delivery failed");
  const failed = enter(back.state, "delivery_failed", time, {
    ...delivering(state, "failed"),
    reason: data.reason,
  });
  const told = send("order.delivery_failed", subject, { ...about(state), reason: data.reason });
  if (state.paidBy) {
    const refund = refundAll(subject, state.paidBy, `delivery failed: ${data.reason}`);
    return { state: failed, send: [...back.send, refund, told] };
  }
  // Nothing was paid, so no provider has to refund anything.
  return {
    state: enter(failed, "refunded", time),
    send: [...back.send, told, send("order.refunded", subject, { ...about(state), amount: state.total })],
  };
}

/** The goods of a refunded order come back, because the delivery was stopped or failed. */
export const restockReturned =
  (status: "failed" | "cancelled") =>
  (state: OrderState, { subject }: Message<"delivery.failed" | "delivery.cancelled">): Decided => {
    const back = restock(state, subject, `delivery ${status}`);
    return { ...noteDelivery(back.state, status), send: back.send };
  };

/** Returns the sold units to stock, once. */
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

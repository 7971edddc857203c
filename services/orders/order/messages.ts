/** Messages that an order sends in more than one phase. Pure. */
import { type Outgoing, send } from "../../../broker/actor/define-actor.ts";
import { derivedV7 } from "../../../broker/contract/ids.ts";
import { type Attempt, holdOf, mayStillCapture, type OrderState } from "./state.ts";

/** What each event of an order tells. */
export const about = ({ number, customerId, ext }: Pick<OrderState, "number" | "customerId" | "ext">) => ({
  number,
  customerId,
  ...(ext && { ext }),
});

export const holdMessages = (
  state: OrderState,
  type: "stock.release" | "stock.commit",
  orderId: string,
): Outgoing[] =>
  state.lines.flatMap(({ sku }) => {
    const hold = holdOf(state, sku);
    return hold?.status === "held" ? [send(type, sku, { orderId, generation: hold.generation })] : [];
  });

export const requestPayment = (
  state: OrderState,
  orderId: string,
  { id, choice }: Pick<Attempt, "id" | "choice">,
) =>
  send("payment.request", id, {
    orderId,
    orderNumber: state.number,
    customerId: state.customerId,
    ...(state.customer && { email: state.customer.email }),
    amount: state.total,
    payment: choice,
    expiresAt: state.expiresAt,
  });

/** Cancels the attempts that could still take money. */
export const cancelAttempts = (state: OrderState, reason: string): Outgoing[] =>
  state.attempts.filter(mayStillCapture).map((it) => send("payment.cancel", it.id, { reason }));

/** Refunds everything that is left of a payment. A repeated call makes the same refund. */
export const refundAll = (orderId: string, paymentId: string, reason: string) =>
  send("payment.refund", paymentId, {
    refundId: derivedV7(paymentId, "refund", orderId),
    amount: null,
    reason,
  });

export const deliveryData = (state: OrderState, orderId: string) => ({
  orderId,
  orderNumber: state.number,
  customerId: state.customerId,
  shippingAddress: state.shippingAddress,
  items: state.lines.map(({ sku, name, quantity }) => ({ sku, name, quantity })),
});

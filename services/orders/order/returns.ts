/**
 * Goods of a delivered order come back. The order knows which units are in which return, so no unit is returned or
 * refunded twice, however many returns are asked for at once. Pure.
 */
import { send } from "../../../broker/actor/define-actor.ts";
import type { DataOut } from "../../../broker/contract/contract.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import { shareOf, type Units } from "../../../broker/contract/values/share.ts";
import type { ReturnStatus } from "../../returns/returns.contract.ts";
import { type Decided, refuse } from "./decision.ts";
import type { OrderReturn, OrderState } from "./state.ts";

/** It bounds the document. Returns that came to nothing count too. */
const MAX_RETURNS = 50;

/** Gives these units to the return, and opens it. {@link noteReturn} takes back those that do not come. */
export function startReturn(state: OrderState, { subject, data }: Message<"order.return">): Decided {
  if (hasReturn(state, data.returnId)) return { state };
  const { returnId, lines: asked, reason, deliveredAfter } = data;
  const delivered = state.history.findLast((it) => it.status === "delivered")?.at;
  if (delivered === undefined || (deliveredAfter !== null && delivered < deliveredAfter))
    return refuse("ORDER_NOT_RETURNABLE", "The time to return it is over.")(state);
  if (Object.keys(state.returns ?? {}).length >= MAX_RETURNS)
    return refuse("ORDER_NOT_RETURNABLE", `${MAX_RETURNS} returns of an order are the most.`)(state);
  const lines: OrderReturn["lines"] = [];
  for (const { sku, quantity } of asked) {
    if (!state.lines.some((it) => it.sku === sku))
      return refuse("RETURN_EXCEEDS_ORDER", `${sku} is not in the order.`)(state);
    const left = returnable(state, sku);
    if (quantity > left.quantity)
      return refuse("RETURN_EXCEEDS_ORDER", `${left.quantity} of ${sku} can still be returned.`)(state);
    lines.push({ sku, quantity, amount: shareOf(left, quantity) });
  }
  const next = withReturn(state, returnId, { status: "requested", lines });
  return {
    state: next,
    send: [send("return.request", returnId, returnRequest(next, subject, returnId, reason))],
  };
}

/** What opens the return, while nothing has become of it. */
export function returnRequest(
  state: OrderState,
  orderId: string,
  returnId: string,
  reason: string,
): DataOut<"return.request"> {
  const { currency } = state.total;
  return {
    orderId,
    orderNumber: state.number,
    customerId: state.customerId,
    paymentId: state.paidBy,
    currency,
    lines: (state.returns?.[returnId]?.lines ?? []).map(({ sku, quantity, amount }) => ({
      sku,
      name: state.lines.find((it) => it.sku === sku)?.name ?? sku,
      quantity,
      amount: { amount, currency },
    })),
    reason,
  };
}

/** A repeated request finds its return. A new one is refused in this status. */
export const refuseReturn = (state: OrderState, { data }: Message<"order.return">): Decided =>
  hasReturn(state, data.returnId)
    ? { state }
    : refuse("ORDER_NOT_RETURNABLE", `The order is ${state.status}.`)(state);

const PROGRESS: Record<ReturnStatus, number> = {
  requested: 0,
  approved: 1,
  received: 2,
  refused: 3,
  cancelled: 3,
  expired: 3,
  refunded: 3,
};

type News = Message<
  | "return.approved"
  | "return.refused"
  | "return.received"
  | "return.refunded"
  | "return.cancelled"
  | "return.expired"
>;

/**
 * Records how far a return is, in whatever order the messages come. Units that were not accepted, or did not come, are free
 * for another return.
 */
export function noteReturn(state: OrderState, { type, data }: News): Decided {
  const known = state.returns?.[data.returnId];
  if (!known) return { state };
  const status = STATUS[type];
  if (PROGRESS[status] <= PROGRESS[known.status]) return { state };
  return { state: withReturn(state, data.returnId, { status, lines: keptLines(known, status, data) }) };
}

const STATUS = {
  "return.approved": "approved",
  "return.refused": "refused",
  "return.received": "received",
  "return.refunded": "refunded",
  "return.cancelled": "cancelled",
  "return.expired": "expired",
} as const satisfies Record<News["type"], ReturnStatus>;

function keptLines(known: OrderReturn, status: ReturnStatus, { lines }: DataOut<News["type"]>) {
  if (status === "approved") return known.lines;
  if (status !== "received" && status !== "refunded") return [];
  return lines.map(({ sku, quantity, amount }) => ({ sku, quantity, amount: amount.amount }));
}

/** The units of a line that are in no return, and what was paid for them. */
export function returnable(state: Pick<OrderState, "lines" | "returns">, sku: string): Units {
  const line = state.lines.find((it) => it.sku === sku);
  const taken = Object.values(state.returns ?? {}).flatMap((it) => it.lines.filter((one) => one.sku === sku));
  return {
    quantity: taken.reduce((left, it) => left - it.quantity, line?.quantity ?? 0),
    amount: taken.reduce((left, it) => left - it.amount, line?.total.amount ?? 0),
  };
}

const hasReturn = ({ returns = {} }: OrderState, id: string): boolean => Object.hasOwn(returns, id);

const withReturn = (state: OrderState, id: string, it: OrderReturn): OrderState => ({
  ...state,
  returns: { ...state.returns, [id]: it },
});

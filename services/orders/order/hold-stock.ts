/** The stock of an order is held, or is not available. A hold that the order does not know is released. Pure. */
import { send } from "../../../broker/actor/define-actor.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import type { Decided } from "./decision.ts";
import { close } from "./end-unpaid.ts";
import { requestPayment } from "./messages.ts";
import { becomePaid } from "./pay.ts";
import { enter, holdOf, isFree, type OrderState, withHold } from "./state.ts";

/** Holds the line. After the last line, requests the payment. Where there is nothing to pay, the order is paid. */
export function reserved(state: OrderState, message: Message<"stock.reserved">): Decided {
  const { subject, data, time } = message;
  if (holdOf(state, data.sku)?.status !== "asked") return releaseUnknownHold(state, message);
  const held = withHold(state, data.sku, { status: "held", generation: data.generation });
  if (Object.values(held.holds).some((it) => it.status !== "held")) return { state: held };
  if (isFree(held)) return becomePaid(held, message, null);
  return {
    state: enter(held, "awaiting_payment", time, {
      attempts: held.attempts.map((it) => ({ ...it, status: "requested" })),
    }),
    send: held.attempts.map((it) => requestPayment(held, subject, it)),
  };
}

/**
 * Releases units held for an order that does not want them (any more). A hold that the order has recorded is left
 * alone, because the message is then a redelivered one.
 */
export function releaseUnknownHold(state: OrderState, { subject, data }: Message<"stock.reserved">): Decided {
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

/** Another line of a rejected order was not available either. The customer can see it. */
export const noteRejectedLine = (state: OrderState, message: Message<"stock.rejected">): Decided => ({
  state: noteRejected(state, message),
});

const noteRejected = (state: OrderState, { data }: Message<"stock.rejected">): OrderState =>
  holdOf(state, data.sku)?.status === "asked"
    ? withHold(state, data.sku, { status: "rejected", available: data.available })
    : state;

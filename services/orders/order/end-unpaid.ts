/** An order ends before it is paid. Its stock is released, and no more money is accepted. Pure. */

import { send } from "../../../broker/actor/define-actor.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import { cancelledAttempt } from "./attempts.ts";
import { type Decided, EXPIRY } from "./decision.ts";
import { about, cancelAttempts, holdMessages } from "./messages.ts";
import { enter, mapHolds, type OrderState } from "./state.ts";

/**
 * Also while the bank works on a payment. Otherwise a customer who changed their mind would wait for days, and the
 * goods with them. The money can't be called back: when it comes, it is refunded.
 */
export const cancel = (state: OrderState, message: Message<"order.cancel">): Decided =>
  close(state, message, "cancelled", message.data.reason);

export const expire = (state: OrderState, message: Message<"order.expire">): Decided =>
  close(state, message, "expired", "not paid in time");

/** Ends an unpaid order: releases its holds and cancels its payments. Lines without an answer stay `asked`. */
export function close(
  state: OrderState,
  { subject, time }: Pick<Message, "subject" | "time">,
  status: "rejected" | "cancelled" | "expired",
  reason: string | null,
): Decided {
  return {
    state: enter(state, status, time, {
      reason,
      holds: mapHolds(state, (it) => (it.status === "held" ? { ...it, status: "released" } : it)),
      attempts: state.attempts.map(cancelledAttempt),
    }),
    send: [
      ...holdMessages(state, "stock.release", subject),
      ...cancelAttempts(state, `order ${status}`),
      send(`order.${status}`, subject, { ...about(state), reason }),
    ],
    timers: [{ cancel: EXPIRY }],
  };
}

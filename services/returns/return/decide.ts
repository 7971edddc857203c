/** A return is opened, approved or refused, cancelled, or expires. Pure. */
import { send } from "../../../broker/actor/define-actor.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import { about, type Decided, EXPIRY, enter, type ReturnState, refuse } from "./state.ts";

export function request(_: null, { subject, data, time }: Message<"return.request">): Decided {
  const state: ReturnState = {
    ...data,
    status: "requested",
    received: null,
    refund: null,
    reduction: null,
    refusal: null,
    expiresAt: null,
    history: [{ status: "requested", at: time }],
    createdAt: time,
  };
  return {
    state,
    send: [send("return.requested", data.orderId, { ...about(state, subject), reason: data.reason })],
  };
}

/** From now on its time to be sent back runs. */
export function approve(state: ReturnState, { subject, data, time }: Message<"return.approve">): Decided {
  const { expiresAt } = data;
  return {
    state: enter(state, "approved", time, { expiresAt }),
    send: [send("return.approved", state.orderId, { ...about(state, subject), expiresAt })],
    timers: [{ set: EXPIRY, message: { type: "return.expire", data: {} }, due: Date.parse(expiresAt) }],
  };
}

// Each of these ends gives the order its units back: see `noteReturn` of the order.

export function refuseReturn(
  state: ReturnState,
  { subject, data, time }: Pick<Message<"return.refuse">, "subject" | "time"> & { data: { reason: string } },
): Decided {
  return {
    state: enter(state, "refused", time, { refusal: data.reason, expiresAt: null }),
    send: [send("return.refused", state.orderId, { ...about(state, subject), reason: data.reason })],
    timers: [{ cancel: EXPIRY }],
  };
}

export function cancel(state: ReturnState, { subject, time }: Message<"return.cancel">): Decided {
  return {
    state: enter(state, "cancelled", time, { expiresAt: null }),
    send: [send("return.cancelled", state.orderId, about(state, subject))],
    timers: [{ cancel: EXPIRY }],
  };
}

export function expire(state: ReturnState, { subject, time }: Message<"return.expire">): Decided {
  return {
    state: enter(state, "expired", time, { expiresAt: null }),
    send: [send("return.expired", state.orderId, about(state, subject))],
  };
}

/** For a change that the status does not permit. */
export const notNow =
  (change: string) =>
  (state: ReturnState): Decided =>
    refuse(state, "RETURN_TRANSITION", `A return that is ${state.status} can't be ${change}.`);

/** Waits a moment for the saga, so that one reply contains what the customer waits for. */
import type { ActorHost, Snapshot } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import { errorCode } from "../../../broker/contract/errors.ts";
import type { OrderMessage } from "../order/decision.ts";
import { currentAttempt, type OrderState } from "../order/state.ts";
import { canGoOn, isPayable } from "../order/view.ts";

const DEFAULT_WAIT_S = 2;
const MAX_WAIT_S = 10;

/**
 * The order once its customer can go on, or its present state when the time is over.
 * @param preferWait seconds from `Prefer: wait=N`; 0 does not wait at all
 */
export async function waitForPayment(
  orders: ActorHost<OrderState, OrderMessage>,
  order: Snapshot<OrderState>,
  preferWait: number = DEFAULT_WAIT_S,
): Promise<Snapshot<OrderState>> {
  return canGoOn(order.state) ? order : waitUntil(orders, order, preferWait, canGoOn);
}

/**
 * The order once its payment has come further than it is now. So a client waits for "paid" instead of polling. An
 * order that nobody can pay any more is returned at once, and so is one whose node has too many waiting callers.
 * @param preferWait seconds from `Prefer: wait=N`; without it, nothing is waited for
 */
export async function waitForProgress(
  orders: ActorHost<OrderState, OrderMessage>,
  order: Snapshot<OrderState>,
  preferWait = 0,
): Promise<Snapshot<OrderState>> {
  if (!isPayable(order.state)) return order;
  const seen = paymentProgress(order.state);
  const isFurther = (state: OrderState) => canGoOn(state) && paymentProgress(state) !== seen;
  try {
    return await waitUntil(orders, order, preferWait, isFurther);
  } catch (error) {
    // A preference may be ignored (RFC 7240).
    if (errorCode(error) === "OVERLOADED") return order;
    throw error;
  }
}

/** The order once `until` is true, or its present state when the time is over. */
async function waitUntil(
  orders: ActorHost<OrderState, OrderMessage>,
  order: Snapshot<OrderState>,
  waitS: number,
  until: (state: OrderState) => boolean,
): Promise<Snapshot<OrderState>> {
  const { id, version } = order;
  const waitMs = Math.min(waitS, MAX_WAIT_S) * 1_000;
  if (waitMs <= 0) return order;
  return (await orders.next(id, version, waitMs, until)) ?? (await orders.read(id)) ?? order;
}

function paymentProgress(state: OrderState): string {
  const { id, status } = currentAttempt(state);
  return `${state.status} ${id} ${status}`;
}

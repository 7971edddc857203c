/** Gives the saga a moment, so that one reply carries what the customer has to do next. */
import type { ActorHost, Snapshot } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import type { OrderMessage } from "../order/decision.ts";
import type { OrderState } from "../order/state.ts";
import { canGoOn } from "../order/view.ts";

const DEFAULT_WAIT_S = 2;
const MAX_WAIT_S = 10;

/**
 * The order as soon as its customer can go on, or as it is when the time is up.
 * @param preferWait seconds from `Prefer: wait=N`; 0 does not wait at all
 */
export async function waitForPayment(
  orders: ActorHost<OrderState, OrderMessage>,
  order: Snapshot<OrderState>,
  preferWait: number = DEFAULT_WAIT_S,
): Promise<Snapshot<OrderState>> {
  const waitMs = Math.min(preferWait, MAX_WAIT_S) * 1_000;
  if (waitMs <= 0 || canGoOn(order.state)) return order;
  return (
    (await orders.next(order.id, order.version, waitMs, canGoOn)) ?? (await orders.read(order.id)) ?? order
  );
}

/** Waits a moment for the saga, so that one reply contains the customer's next step. */
import type { ActorHost, Snapshot } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import type { OrderMessage } from "../order/decision.ts";
import type { OrderState } from "../order/state.ts";
import { canGoOn } from "../order/view.ts";

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
  const waitMs = Math.min(preferWait, MAX_WAIT_S) * 1_000;
  if (waitMs <= 0 || canGoOn(order.state)) return order;
  return (
    (await orders.next(order.id, order.version, waitMs, canGoOn)) ?? (await orders.read(order.id)) ?? order
  );
}

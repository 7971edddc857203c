/** Who calls, and what they may see. */
import type { ActorHost, Snapshot } from "../../broker/actor/runtime/document/actor-host.types.ts";
import { isStaff } from "../../broker/contract/call-meta.ts";
import { SoukError } from "../../broker/contract/errors.ts";
import type { ActionContext } from "../../broker/moleculer/handlers.ts";
import type { OrderMessage } from "./order/decision.ts";
import type { OrderState } from "./order/state.ts";

type Caller = Pick<ActionContext<unknown>, "meta">;

/** @throws SoukError UNAUTHENTICATED */
export function callerId({ meta: { user } }: Caller): string {
  if (!user) throw new SoukError("UNAUTHENTICATED");
  return user.id;
}

/** The order, if the caller may see it. @throws SoukError NOT_FOUND, also for another customer's order */
export async function visibleOrder(
  orders: ActorHost<OrderState, OrderMessage>,
  caller: Caller,
  id: string,
): Promise<Snapshot<OrderState>> {
  const customerId = callerId(caller);
  const order = await orders.read(id);
  if (!order || !(order.state.customerId === customerId || isStaff(caller.meta.user)))
    throw new SoukError("NOT_FOUND", "There is no such order, or it is not yours.");
  return order;
}

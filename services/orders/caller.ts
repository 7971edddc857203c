/** Who calls, and what they may see. */
import type { ActorHost, Snapshot } from "../../broker/actor/runtime/document/actor-host.types.ts";
import { type CallMeta, may } from "../../broker/contract/call-meta.ts";
import { SoukError } from "../../broker/contract/errors.ts";
import { sameSecret } from "../../broker/contract/secrets/same-secret.ts";
import type { OrderMessage } from "./order/decision.ts";
import type { OrderState } from "./order/state.ts";
import { tokenHash } from "./order-token.ts";

interface Caller {
  readonly meta: Pick<CallMeta, "user" | "orderToken">;
}

/** @throws SoukError UNAUTHENTICATED */
export function callerId({ meta: { user } }: Caller): string {
  if (!user) throw new SoukError("UNAUTHENTICATED");
  return user.id;
}

/**
 * The order, if the caller may see it: its customer, staff, or whoever has its token.
 * @param scope that staff need
 * @throws SoukError NOT_FOUND, also for another customer's order; UNAUTHENTICATED for a caller who has nothing to show
 */
export async function visibleOrder(
  orders: Pick<ActorHost<OrderState, OrderMessage>, "read">,
  { meta }: Caller,
  id: string,
  scope: "orders:read" | "orders:write" | "returns:write" = "orders:read",
): Promise<Snapshot<OrderState>> {
  const { user, orderToken } = meta;
  if (!user && orderToken === undefined) throw new SoukError("UNAUTHENTICATED");
  const order = await orders.read(id);
  const isOwn = user !== undefined && (order?.state.customerId === user.id || may(user, scope));
  if (!order || !(isOwn || hasToken(order.state, orderToken)))
    throw new SoukError("NOT_FOUND", "There is no such order, or it is not yours.");
  return order;
}

const hasToken = ({ guest }: OrderState, token: string | undefined): boolean =>
  guest !== undefined && token !== undefined && sameSecret(tokenHash(token), guest.tokenHash);

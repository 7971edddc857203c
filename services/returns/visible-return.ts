/** Who may see a return: its customer, staff, or whoever has the token of the guest's order. */
import type { ActorHost, Snapshot } from "../../broker/actor/runtime/document/actor-host.types.ts";
import { type CallMeta, may } from "../../broker/contract/call-meta.ts";
import { errorCode, SoukError } from "../../broker/contract/errors.ts";
import type { ReturnMessage, ReturnState } from "./return/state.ts";

/** Asks the orders whether the caller may see one. */
export type MaySeeOrder = (orderId: string) => Promise<unknown>;

/**
 * @param scope that staff need
 * @throws SoukError NOT_FOUND, also for another customer's return; UNAUTHENTICATED for a caller who has nothing to show
 */
export async function visibleReturn(
  returns: Pick<ActorHost<ReturnState, ReturnMessage>, "read">,
  { user, orderToken }: Pick<CallMeta, "user" | "orderToken">,
  id: string,
  maySeeOrder: MaySeeOrder,
  scope: "returns:read" | "returns:write",
): Promise<Snapshot<ReturnState>> {
  if (!user && orderToken === undefined) throw new SoukError("UNAUTHENTICATED");
  const found = await returns.read(id);
  if (!found) throw notVisible();
  const { customerId, orderId } = found.state;
  if (user && (customerId === user.id || may(user, scope))) return found;
  if (orderToken === undefined) throw notVisible();
  try {
    await maySeeOrder(orderId);
  } catch (error) {
    throw errorCode(error) === "NOT_FOUND" ? notVisible() : error;
  }
  return found;
}

const notVisible = () => new SoukError("NOT_FOUND", "There is no such return, or it is not yours.");

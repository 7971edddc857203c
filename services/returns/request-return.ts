/** A customer asks to return goods. The order decides. */
import type { ActorHost, Snapshot } from "../../broker/actor/runtime/document/actor-host.types.ts";
import { type CallMeta, may } from "../../broker/contract/call-meta.ts";
import type { DataIn } from "../../broker/contract/contract.ts";
import type { Clock } from "../../broker/resilience/clock.ts";
import type { ReturnMessage, ReturnState } from "./return/state.ts";

export interface ReturnTools {
  returns: Pick<ActorHost<ReturnState, ReturnMessage>, "apply" | "read">;
  /** As the action of orders. It knows the caller. */
  startReturn(params: { id: string } & DataIn<"order.return">): Promise<DataIn<"return.request">>;
  clock: Clock;
  /** Milliseconds after the delivery. */
  window: number;
}

/**
 * The order sends `return.request` too, which opens the return where this request dies after the order's commit.
 * @throws {SoukError} NOT_FOUND, ORDER_NOT_RETURNABLE or RETURN_EXCEEDS_ORDER
 */
export async function requestReturn(
  { returns, startReturn, clock, window }: ReturnTools,
  { user }: Pick<CallMeta, "user">,
  {
    id,
    returnId,
    lines,
    reason,
  }: { id: string; returnId: string } & Pick<DataIn<"order.return">, "lines" | "reason">,
): Promise<Snapshot<ReturnState>> {
  // Staff decide themselves how long after the delivery.
  const deliveredAfter = may(user, "returns:write") ? null : new Date(clock.now() - window).toISOString();
  const request = await startReturn({ id, returnId, lines, reason, deliveredAfter });
  // A repeated request, whose return has come further.
  const present = await returns.read(returnId);
  return present ?? returns.apply(returnId, "return.request", request);
}

/**
 * A call that its node refused before it began, because the node is stopping or has just stopped, is made on another node.
 * Nothing has been done then, so that holds for writes, too. Who names a node is told instead.
 */

import type { Context, Middleware } from "moleculer";
import { anotherEndpoint } from "./endpoints.ts";

/** More refusals than that say that something else is wrong. */
const MAX_REFUSALS = 3;
const NOT_HERE = ["SERVICE_NOT_AVAILABLE", "SERVICE_NOT_FOUND"];

const undelivered = new WeakSet<Error>();
const refusals = new WeakMap<Context, number>();

/** Marks the failure of a call that has not reached its node. */
export function notDelivered<E extends Error>(error: E): E {
  undelivered.add(error);
  return error;
}

export const refusedCalls: Middleware = {
  name: "RefusedCalls",
  remoteAction(next, action) {
    const name = action.name ?? "";
    return async function elsewhere(ctx) {
      try {
        return await next.call(this, ctx);
      } catch (error) {
        if (!wasRefused(error, name, ctx)) throw error;
        const count = (refusals.get(ctx) ?? 0) + 1;
        const other =
          count > MAX_REFUSALS
            ? undefined
            : anotherEndpoint(ctx.broker, name, (nodeID) => nodeID === ctx.nodeID);
        if (!other) throw error;
        const again = ctx.copy(other);
        refusals.set(again, count);
        return (other.action.handler as (ctx: Context) => Promise<unknown>)(again);
      }
    };
  },
};

/** By the node that was asked, about this very call: what it has called itself may fail likewise after half of the work. */
function wasRefused(error: unknown, action: string, { nodeID, options }: Context): boolean {
  if (!(error instanceof Error) || options.nodeID) return false;
  if (undelivered.has(error)) return true;
  const { type, data } = error as { type?: string; data?: { action?: string; nodeID?: string } };
  return NOT_HERE.includes(type ?? "") && data?.action === action && data.nodeID === nodeID;
}

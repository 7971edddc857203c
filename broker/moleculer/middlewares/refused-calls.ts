/**
 * Repeats a refused call on another node. A node refuses a call before it begins, when it is stopping or has just
 * stopped. Nothing was done, so this is safe for writes too. A caller that names a node gets the error instead.
 */

import type { Context, Middleware } from "moleculer";
import { anotherEndpoint } from "./endpoints.ts";

/** More refusals mean that something else is wrong. */
const MAX_REFUSALS = 3;
const NOT_HERE = ["SERVICE_NOT_AVAILABLE", "SERVICE_NOT_FOUND"];

const undelivered = new WeakSet<Error>();
const refusals = new WeakMap<Context, number>();

/** Marks the error of a call that did not reach its node. */
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

/**
 * Whether the called node refused this very call. A call that it made itself may fail in the same way after half of
 * the work.
 */
function wasRefused(error: unknown, action: string, { nodeID, options }: Context): boolean {
  if (!(error instanceof Error) || options.nodeID) return false;
  if (undelivered.has(error)) return true;
  const { type, data } = error as { type?: string; data?: { action?: string; nodeID?: string } };
  return NOT_HERE.includes(type ?? "") && data?.action === action && data.nodeID === nodeID;
}

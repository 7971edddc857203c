/** Merges a guest's cart at registration and login. */
import type { CallMeta } from "../../../broker/contract/call-meta.ts";
import { redactedReason } from "../../../broker/contract/secrets/redact.ts";
import type { TypedCall } from "../../../broker/moleculer/handlers.ts";
import type { Log } from "../../../broker/resilience/log.ts";
import { rateLimitedLog } from "../../../broker/resilience/rate-limited-log.ts";

/** The cart service also merges later by itself. So its absence must not prevent a login. */
export async function mergeCart(
  ctx: { meta: CallMeta; call: TypedCall },
  userId: string,
  log: Log,
): Promise<void> {
  const { cartId } = ctx.meta;
  if (!cartId) return;
  try {
    await ctx.call("cart.merge", { cartId, userId });
  } catch (error) {
    rateLimitedLog(log).warn("merge", "a guest's cart was not merged at login", {
      cartId,
      userId,
      reason: redactedReason(error),
    });
  }
}

/** What somebody has put into a cart as a guest comes along at registration and login. */
import type { CallMeta } from "../../../broker/contract/call-meta.ts";
import { redactedReason } from "../../../broker/contract/redact.ts";
import type { TypedCall } from "../../../broker/moleculer/handlers.ts";
import type { Log } from "../../../broker/resilience/log.ts";
import { rateLimitedLog } from "../../../broker/resilience/rate-limited-log.ts";

/** The cart service merges by itself later, too: its absence must not keep anybody out. */
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

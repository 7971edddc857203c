/** When the database or the bus is away, callers get 503 and may retry. It is no bug. */
import { Errors, type Middleware } from "moleculer";
import { expectedFailure, SoukError } from "../../contract/errors.ts";
import { redactedReason } from "../../contract/secrets/redact.ts";
import { rateLimitedLog } from "../../resilience/rate-limited-log.ts";
import { isTransient } from "../../resilience/retry.ts";

export const transientErrors: Middleware = {
  name: "PassingFailures",
  localAction(next, action) {
    return async function translated(ctx) {
      try {
        return await next.call(this, ctx);
      } catch (error) {
        if (expectedFailure(error) || !isTransient(error)) throw error;
        // One line for all actions of a node, because they need the same servers. Moleculer itself logs about other
        // nodes.
        if (!(error instanceof Errors.MoleculerError))
          rateLimitedLog(ctx.broker.logger).warn("away", `${action.name}: a server that it needs is away`, {
            reason: redactedReason(error),
          });
        throw new SoukError("UNAVAILABLE", undefined, { retryAfter: 2 });
      }
    };
  },
};

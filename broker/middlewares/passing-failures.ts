/** The database or the broker away is no bug: callers get 503 and may come again. */
import { Errors, type Middleware } from "moleculer";
import { alarmsOf } from "../bus/alarms.ts";
import { isTransient } from "../bus/retry.ts";
import { errorCode, SoukError } from "../errors.ts";
import { redactedReason } from "../redact.ts";

export const passingFailures: Middleware = {
  name: "PassingFailures",
  localAction(next, action) {
    return async function translated(ctx) {
      try {
        return await next.call(this, ctx);
      } catch (error) {
        if (errorCode(error) || !isTransient(error)) throw error;
        // One line for all actions of a node, as they need the same. Moleculer tells of other nodes itself.
        if (!(error instanceof Errors.MoleculerError))
          alarmsOf(ctx.broker.logger).warn("away", `${action.name}: something it needs is away`, {
            reason: redactedReason(error),
          });
        throw new SoukError("UNAVAILABLE", undefined, { retryAfter: 2 });
      }
    };
  },
};

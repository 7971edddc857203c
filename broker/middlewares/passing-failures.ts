/** The database or the broker away is no bug: callers get 503 and may come again. */
import type { Middleware } from "moleculer";
import { isTransient } from "../bus/retry.ts";
import { errorCode, SoukError } from "../errors.ts";

export const passingFailures: Middleware = {
  name: "PassingFailures",
  localAction(next, action) {
    return async function translated(ctx) {
      try {
        return await next.call(this, ctx);
      } catch (error) {
        if (errorCode(error) || !isTransient(error)) throw error;
        ctx.broker.logger.warn(`${action.name}: something it needs is away`, {
          reason: (error as Error).message,
        });
        throw new SoukError("UNAVAILABLE", undefined, { retryAfter: 2 });
      }
    };
  },
};

/**
 * Ends a call to another node whose answer is lost with that node or with RabbitMQ. For its caller it times out.
 * Inside Moleculer it never ends. The circuit breaker does not count it, it stays tracked, and a stop waits for it. This middleware ends it there too.
 */
import { Errors, type Middleware } from "moleculer";

/** Later than the caller's own time-out, which is logged and counted. */
const MARGIN_MS = 50;

export const remoteTimeout: Middleware = {
  name: "LostAnswers",
  remoteAction(next, action) {
    return function bounded(ctx) {
      const answer: Promise<unknown> = next.call(this, ctx);
      // Set by Moleculer's own middleware, which is outside of this one.
      const { timeout } = ctx.options;
      if (!timeout) return answer;
      return new Promise((resolve, reject) => {
        const over = () => {
          const nodeID = ctx.nodeID ?? "";
          reject(new Errors.RequestTimeoutError({ action: action.name ?? "", nodeID }));
        };
        const timer = setTimeout(over, timeout + MARGIN_MS);
        const settled =
          <T>(settle: (it: T) => void) =>
          (it: T) => {
            clearTimeout(timer);
            settle(it);
          };
        answer.then(settled(resolve), settled(reject));
      });
    };
  },
};

/**
 * A call to another node whose answer is lost with that node, or with RabbitMQ, times out for its caller. Inside of
 * Moleculer it never ends: the circuit breaker does not count it, it stays tracked for ever, and a stop of the node
 * waits for it in vain. This ends it there, too.
 */
import { Errors, type Middleware } from "moleculer";

/** After the caller's own time-out, which logs and counts it. */
const MARGIN_MS = 50;

export const lostAnswers: Middleware = {
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

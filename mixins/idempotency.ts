/**
 * Implements `Idempotency-Key`: an action with `idempotent` runs once per key and answers each request. Where the key
 * is `optional`, every request without a key runs the action. See `broker/mongo/idempotency.ts`.
 */
import type { ActionSchema, Context, Service } from "moleculer";
import type { CallMeta } from "../broker/contract/call-meta.ts";
import type { ActionContract } from "../broker/contract/contract.ts";
import { defineMixin, type Mixin } from "../broker/moleculer/mixin.ts";
import { answersStored, once } from "../broker/mongo/idempotency.ts";

/** An action's schema with the fields that `defineService` copies from the contract. */
export type IdempotentAction = ActionSchema & Pick<ActionContract, "idempotent" | "status">;

/** Wraps the handlers of such actions. The service's database keeps the answers. */
export function idempotency(): Mixin {
  return defineMixin({
    covers: ["idempotency"],
    merged({ actions = {} }) {
      for (const action of Object.values(actions))
        if (typeof action === "object" && (action as IdempotentAction).idempotent) wrap(action);
    },
    stopped() {
      return answersStored(this.broker.souk.database(this.name));
    },
  });
}

function wrap(action: IdempotentAction): void {
  const { handler, idempotent, status = 200 } = action;
  if (!handler) return;
  action.handler = function once(this: Service, ctx: Context<unknown, CallMeta>) {
    const work = () => handler.call(this, ctx);
    const isAsked = idempotent === "required" || ctx.meta.idempotencyKey !== undefined;
    return isAsked ? runOnce(this, ctx, status, work) : work();
  };
}

function runOnce(
  { broker, logger, name }: Service,
  { action, params, meta }: Context<unknown, CallMeta>,
  status: number,
  work: () => unknown,
): Promise<unknown> {
  const tools = { connection: broker.souk.database(name), clock: broker.souk.clock, log: logger };
  return once(tools, { action: action?.name ?? name, params, meta, status }, work);
}

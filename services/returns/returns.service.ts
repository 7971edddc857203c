/** Returns of delivered orders. return.actor.ts decides what happens to a return. */
import { newId } from "../../broker/contract/ids.ts";
import { defineService } from "../../broker/moleculer/define-service.ts";
import type { ActionContext } from "../../broker/moleculer/handlers.ts";
import { actorHost } from "../../mixins/actor-host.ts";
import { idempotency } from "../../mixins/idempotency.ts";
import { mongo } from "../../mixins/mongo.ts";
import { workers } from "../../mixins/workers.ts";
import { decideReturn } from "./decide-return.ts";
import { followRefund } from "./follow-refund.ts";
import { listReturns } from "./list-returns.ts";
import { requestReturn } from "./request-return.ts";
import { returnActor } from "./return/return.actor.ts";
import { returnView } from "./return-view.ts";
import { returns } from "./returns.contract.ts";
import { visibleReturn } from "./visible-return.ts";

type Caller = Pick<ActionContext<unknown>, "meta" | "call">;

export default defineService(returns, {
  mixins: [mongo(), actorHost({ return: returnActor }), idempotency(), workers()],

  methods: {
    visible(ctx: Caller, id: string, scope: "returns:read" | "returns:write") {
      const maySeeOrder = (orderId: string) => ctx.call("orders.get", { id: orderId });
      return visibleReturn(this.actors.return, ctx.meta, id, maySeeOrder, scope);
    },
  },

  actions: {
    async request(ctx) {
      const returnId = ctx.meta.resourceId ?? newId();
      const { state } = await requestReturn(
        {
          returns: this.actors.return,
          startReturn: (params) => ctx.call("orders.startReturn", params),
          clock: this.clock,
          window: this.config.RETURN_WINDOW,
        },
        ctx.meta,
        { ...ctx.params, returnId },
      );
      return returnView(returnId, state);
    },

    async get(ctx) {
      const { id, state } = await this.visible(ctx, ctx.params.id, "returns:read");
      return returnView(id, state);
    },

    async cancel(ctx) {
      const { id, state } = await this.visible(ctx, ctx.params.id, "returns:write");
      const by = ctx.meta.user?.id ?? state.customerId;
      const cancelled = await this.actors.return.apply(id, "return.cancel", { by });
      return returnView(id, cancelled.state);
    },

    async list({ params }) {
      const { shown, nextCursor } = await listReturns(this.actors.return.documents, params);
      return { items: shown.map(({ _id, state }) => returnView(_id, state)), nextCursor };
    },

    async update({ params, meta }) {
      const tools = { returns: this.actors.return, clock: this.clock, ttl: this.config.RETURN_TTL };
      const { id, state } = await decideReturn(tools, params, meta.user?.id);
      return returnView(id, state);
    },
  },

  workers: {
    followRefund(message, tools) {
      return followRefund(this.actors.return.documents, message, tools);
    },
  },
});

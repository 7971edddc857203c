/**
 * Orders: checkout, history, cancelling, further attempts to pay. order.actor.ts decides what happens to an order.
 */
import { may } from "../../broker/contract/call-meta.ts";
import { SoukError } from "../../broker/contract/errors.ts";
import { newId } from "../../broker/contract/ids.ts";
import { defineService } from "../../broker/moleculer/define-service.ts";
import { actorHost } from "../../mixins/actor-host.ts";
import { idempotency } from "../../mixins/idempotency.ts";
import { mongo } from "../../mixins/mongo.ts";
import { workers } from "../../mixins/workers.ts";
import { callerId, visibleOrder } from "./caller.ts";
import { createCheckoutLimit } from "./checkout/checkout-limit.ts";
import { createNumberClaim } from "./checkout/claim-number.ts";
import { createProviderCheck } from "./checkout/known-providers.ts";
import { openOrdersStore } from "./checkout/open-orders.store.ts";
import { orderToken } from "./checkout/orderer.ts";
import { placeOrder } from "./checkout/place-order.ts";
import { waitForPayment, waitForProgress } from "./checkout/wait-for-payment.ts";
import { listOrders, refuseStaffFilters } from "./list-orders.ts";
import { orderActor } from "./order/order.actor.ts";
import { returnRequest } from "./order/returns.ts";
import { orderView } from "./order/view.ts";
import { orders } from "./orders.contract.ts";
import { eraseOrders } from "./privacy/erase-orders.ts";
import { createReturnCheck } from "./return-url.ts";
import { createTickets } from "./tickets.ts";

export default defineService(orders, {
  mixins: [mongo(), actorHost({ order: orderActor }), idempotency(), workers()],

  setup({ actors, database, config, clock, call }) {
    const checkProvider = createProviderCheck(() => call("payments.providers", {}), clock);
    return {
      checkReturn: createReturnCheck(config),
      tickets: createTickets(database, clock),
      checkouts: createCheckoutLimit(config.MAX_IN_FLIGHT),
      checkProvider,
      checkout: {
        host: actors.order,
        openOrders: openOrdersStore(database, actors.order),
        claimNumber: createNumberClaim(database),
        limits: { orders: config.MAX_OPEN_ORDERS, quantity: config.MAX_OPEN_QUANTITY },
        guestLimits: {
          email: { orders: config.MAX_OPEN_ORDERS, quantity: config.MAX_OPEN_QUANTITY },
          address: {
            orders: config.MAX_OPEN_GUEST_ORDERS_PER_ADDRESS,
            quantity: config.MAX_OPEN_QUANTITY,
          },
        },
        clock,
        orderTtl: config.ORDER_TTL,
        checkProvider,
      },
    };
  },

  actions: {
    async place(ctx) {
      this.checkReturn(ctx.params.payment?.returnUrl, "payment.returnUrl");
      const placed = await this.checkouts.run(() => placeOrder(this.checkout, ctx));
      if (placed.state.guest)
        ctx.meta.$responseHeaders = {
          ...ctx.meta.$responseHeaders,
          "X-Order-Token": orderToken(placed.id, ctx.meta),
        };
      return orderView(placed);
    },

    async list(ctx) {
      const { documents } = this.actors.order;
      if (!ctx.params.all) {
        refuseStaffFilters(ctx.params);
        return listOrders(documents, ctx.params, callerId(ctx));
      }
      if (!may(ctx.meta.user, "orders:read"))
        throw new SoukError("FORBIDDEN", "Only staff see everybody's orders.");
      return listOrders(documents, ctx.params);
    },

    async get(ctx) {
      const order = await visibleOrder(this.actors.order, ctx, ctx.params.id);
      return orderView(await waitForProgress(this.actors.order, order, ctx.meta.preferWait));
    },

    async cancel(ctx) {
      const { id, reason = null } = ctx.params;
      const { state } = await visibleOrder(this.actors.order, ctx, id, "orders:write");
      const by = ctx.meta.user?.id ?? state.customerId;
      return orderView(await this.actors.order.apply(id, "order.cancel", { by, reason }));
    },

    async pay(ctx) {
      const { id, ...payment } = ctx.params;
      await visibleOrder(this.actors.order, ctx, id, "orders:write");
      this.checkReturn(payment.returnUrl, "returnUrl");
      await this.checkProvider(payment.provider, "provider");
      const paymentId = ctx.meta.resourceId ?? newId();
      const order = await this.actors.order.apply(id, "order.pay", { paymentId, payment });
      return orderView(await waitForPayment(this.actors.order, order, ctx.meta.preferWait));
    },

    // The gateway streams. It calls `next` repeatedly, after this has checked the order's owner.
    async events(ctx) {
      const { id, ticket } = ctx.params;
      if (ticket === undefined) return orderView(await visibleOrder(this.actors.order, ctx, id));
      const redeemed = await this.tickets.redeem(ticket, id);
      const isLive = async (session: string) =>
        (await ctx.call("users.liveSessions", { ids: [session] })).some((it) => it.id === session);
      const order = redeemed && (await this.actors.order.read(id));
      if (!order || (redeemed.session !== null && !(await isLive(redeemed.session))))
        throw new SoukError("UNAUTHENTICATED", "The ticket is used, too old, or of another order.");
      return orderView(order);
    },

    async issueTicket(ctx) {
      const { id } = await visibleOrder(this.actors.order, ctx, ctx.params.id);
      return this.tickets.issue(id, ctx.meta);
    },

    async next({ params: { id, after, waitMs } }) {
      const order = await this.actors.order.next(id, after, waitMs);
      return order && orderView(order);
    },

    async startReturn(ctx) {
      const { id, ...asked } = ctx.params;
      await visibleOrder(this.actors.order, ctx, id, "returns:write");
      const { state } = await this.actors.order.apply(id, "order.return", asked);
      return returnRequest(state, id, asked.returnId, asked.reason);
    },

    async owner({ params: { id } }) {
      const order = await this.actors.order.read(id);
      if (!order) throw new SoukError("NOT_FOUND", "There is no such order.");
      return { customerId: order.state.customerId, number: order.state.number };
    },
  },

  workers: {
    eraseCustomer({ data: { userId } }) {
      return eraseOrders(this.actors.order, this.database, userId);
    },
  },
});

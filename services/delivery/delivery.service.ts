/** Deliveries of paid orders, and the carrier's reports about them. */
import { may } from "../../broker/contract/call-meta.ts";
import { SoukError } from "../../broker/contract/errors.ts";
import { defineService } from "../../broker/moleculer/define-service.ts";
import { actorHost } from "../../mixins/actor-host.ts";
import { workers } from "../../mixins/workers.ts";
import { type DeliveryState, deliveryActor } from "./delivery.actor.ts";
import { delivery } from "./delivery.contract.ts";
import { eraseRecipient } from "./erase-recipient.ts";
import { listDeliveries } from "./list-deliveries.ts";

export default defineService(delivery, {
  mixins: [actorHost({ delivery: deliveryActor }), workers()],

  actions: {
    async getByOrder({ params, meta: { user } }) {
      const found = await this.actors.delivery.documents
        .findOne({ "state.orderId": params.id }, { state: 1 })
        .lean();
      if (!found || !(may(user, "deliveries:read") || found.state.customerId === user?.id))
        throw new SoukError("NOT_FOUND", "There is no delivery for this order.");
      return view(found._id, found.state);
    },

    async list({ params }) {
      const { shown, nextCursor } = await listDeliveries(this.actors.delivery.documents, params);
      return { items: shown.map(({ _id, state }) => view(_id, state)), nextCursor };
    },

    async update({ params: { id, status, tracking = null, reason = null } }) {
      const { state } = await this.actors.delivery.apply(id, "delivery.update", { status, tracking, reason });
      return view(id, state);
    },
  },

  workers: {
    eraseRecipient({ data: { userId } }) {
      return eraseRecipient(this.actors.delivery, userId);
    },
  },
});

const view = (id: string, it: DeliveryState) => ({
  id,
  orderId: it.orderId,
  orderNumber: it.orderNumber,
  status: it.status,
  tracking: it.tracking,
  items: it.items,
  shippingAddress: it.shippingAddress,
  history: it.history,
  createdAt: it.createdAt,
});

import { z } from "zod";
import {
  type ActionsOf,
  action,
  command,
  defineContract,
  event,
  type MessagesOf,
} from "../../broker/contract/contract.ts";
import { address, id, line, quantity, sku, time } from "../../broker/contract/schemas.ts";
import { deliveryErrors } from "./delivery.errors.ts";

export const deliveryStatus = z
  .enum(["created", "shipped", "delivered", "failed", "cancelled"])
  .meta({ id: "DeliveryStatus" });
export type DeliveryStatus = z.output<typeof deliveryStatus>;
const deliveryItem = z.strictObject({ sku, name: z.string(), quantity }).meta({ id: "DeliveryItem" });
const statusChange = z
  .strictObject({ status: deliveryStatus, at: time })
  .meta({ id: "DeliveryStatusChange", description: "A status of a delivery, and since when" });
export const deliveryView = z
  .strictObject({
    id,
    orderId: id,
    status: deliveryStatus,
    tracking: z.string().nullable(),
    items: z.array(deliveryItem),
    shippingAddress: address,
    history: z.array(statusChange),
    createdAt: time,
  })
  .meta({ id: "Delivery" });

const tracking = z.string().max(100).nullable();
const carrierStatus = z
  .enum(["shipped", "delivered", "failed"])
  .meta({ id: "CarrierStatus", description: "What a carrier reports of a delivery" });
const request = z
  .strictObject({
    orderId: id,
    orderNumber: z.string(),
    customerId: id,
    shippingAddress: address,
    items: z.array(deliveryItem),
  })
  .meta({ id: "DeliveryRequest" });

export const delivery = defineContract({
  service: "delivery",
  errors: deliveryErrors,
  actions: {
    getByOrder: action({
      summary: "The delivery of one of the caller's orders",
      operationId: "getOrderDelivery",
      rest: "GET /orders/:id/delivery",
      auth: "customer",
      params: z.strictObject({ id }),
      returns: deliveryView,
      errors: ["NOT_FOUND"],
    }),
    update: action({
      summary: "What the carrier says: shipped, delivered or failed",
      operationId: "updateDelivery",
      rest: "PATCH /deliveries/:id",
      auth: "staff",
      params: z.strictObject({
        id,
        status: carrierStatus,
        tracking: line(100).optional(),
        reason: line(200).optional(),
      }),
      returns: deliveryView,
      errors: ["NOT_FOUND", "DELIVERY_TRANSITION"],
    }),
  },
  messages: {
    "delivery.request": command("delivery", "Ship these items", request),
    "delivery.cancel": command(
      "delivery",
      "Don't ship, unless it is on its way already; repeats the request, as it may come before it",
      request,
    ),
    "delivery.update": command(
      "delivery",
      "The carrier's word; inline",
      z.strictObject({
        status: carrierStatus,
        tracking,
        reason: z.string().nullable(),
      }),
    ),
    "delivery.created": event("order", "A delivery was made ready", z.strictObject({ deliveryId: id })),
    "delivery.shipped": event(
      "order",
      "It is with the carrier",
      z.strictObject({ deliveryId: id, tracking }),
    ),
    "delivery.succeeded": event("order", "It has arrived", z.strictObject({ deliveryId: id })),
    "delivery.failed": event(
      "order",
      "It could not be delivered",
      z.strictObject({ deliveryId: id, reason: z.string() }),
    ),
    "delivery.cancelled": event(
      "order",
      "It was stopped before it was shipped",
      z.strictObject({ deliveryId: id }),
    ),
  },
  actors: { delivery: { receives: ["delivery.request", "delivery.cancel"] } },
});

declare module "../../broker/contract/contract.ts" {
  interface Actions extends ActionsOf<typeof delivery> {}
  interface Messages extends MessagesOf<typeof delivery> {}
}

import { z } from "zod";
import {
  type ActionsOf,
  action,
  command,
  defineContract,
  event,
  type MessagesOf,
} from "../../broker/contract/contract.ts";
import {
  address,
  cursor,
  id,
  limit,
  line,
  page,
  quantity,
  sku,
  time,
} from "../../broker/contract/schemas.ts";
import { severalOf } from "../../broker/contract/values/several.ts";
import { deliveryErrors } from "./delivery.errors.ts";

export const deliveryStatus = z
  .enum(["created", "shipped", "delivered", "failed", "cancelled"])
  .meta({ id: "DeliveryStatus", description: "Where a delivery is" });
export type DeliveryStatus = z.output<typeof deliveryStatus>;
const deliveryItem = z
  .strictObject({ sku, name: z.string(), quantity })
  .meta({ id: "DeliveryItem", description: "What is in a parcel" });
const statusChange = z
  .strictObject({ status: deliveryStatus, at: time })
  .meta({ id: "DeliveryStatusChange", description: "A status of a delivery, and since when" });
export const deliveryView = z
  .strictObject({
    id,
    orderId: id,
    orderNumber: z.string().meta({ examples: ["261127-7K2QF-M9DXA"] }),
    status: deliveryStatus,
    tracking: z.string().nullable().meta({ description: "The carrier's number, where there is one" }),
    items: z.array(deliveryItem),
    shippingAddress: address,
    history: z.array(statusChange),
    createdAt: time,
  })
  .meta({
    id: "Delivery",
    description: "The parcel of a paid order",
    examples: [
      {
        id: "01941b2e-5c01-7f42-8d17-20b9c4d6a853",
        orderId: "01941b2e-5c00-7d3a-9f10-3c5d8a7e6b21",
        orderNumber: "261127-7K2QF-M9DXA",
        status: "shipped",
        tracking: "SOUK-1",
        items: [{ sku: "LAMP-BRASS-1", name: "Brass lamp", quantity: 2 }],
        shippingAddress: {
          name: "Ann Example",
          line1: "1 Market Street",
          city: "Springfield",
          postalCode: "12345",
          country: "US",
        },
        history: [
          { status: "created", at: "2026-11-27T09:31:10.000Z" },
          { status: "shipped", at: "2026-11-28T07:05:00.000Z" },
        ],
        createdAt: "2026-11-27T09:31:10.000Z",
      },
    ],
  });

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

const messages = {
  "delivery.request": command("delivery", "Ship these items", request),
  "delivery.cancel": command(
    "delivery",
    "Don't ship, unless it is on its way already; repeats the request, as it may come before it",
    request,
  ),
  "delivery.update": command(
    "delivery",
    "Note what the carrier says",
    z.strictObject({
      status: carrierStatus,
      tracking,
      reason: z.string().nullable(),
    }),
  ),
  "delivery.erase_recipient": command(
    "delivery",
    "Forget whose it is, once it is over: the account of its customer is gone",
    z.strictObject({}),
  ),
  "delivery.created": event("order", "A delivery was made ready", z.strictObject({ deliveryId: id })),
  "delivery.shipped": event("order", "It is with the carrier", z.strictObject({ deliveryId: id, tracking })),
  "delivery.succeeded": event("order", "It has arrived", z.strictObject({ deliveryId: id })),
  "delivery.failed": event(
    "order",
    "It could not be delivered",
    z.strictObject({ deliveryId: id, reason: z.string().meta({ examples: ["Nobody was at home"] }) }),
  ),
  "delivery.cancelled": event(
    "order",
    "It was stopped before it was shipped",
    z.strictObject({ deliveryId: id }),
  ),
};

export const delivery = defineContract({
  service: "delivery",
  errors: deliveryErrors,
  description: "How paid orders get to their customers, as carriers report it.",
  actions: {
    getByOrder: action({
      summary: "The delivery of one of the caller's orders",
      description: "There is one from when the order is paid.",
      operationId: "getOrderDelivery",
      rest: "GET /orders/:id/delivery",
      auth: "customer",
      widerScope: "deliveries:read",
      params: z.strictObject({ id: id.meta({ description: "Id of the order" }) }),
      returns: deliveryView,
      errors: ["NOT_FOUND"],
    }),
    list: action({
      summary: "All deliveries, newest first",
      operationId: "listDeliveries",
      rest: "GET /deliveries",
      auth: "staff",
      scope: "deliveries:read",
      params: z.strictObject({
        status: severalOf(deliveryStatus)
          .optional()
          .meta({ description: "Only those that are in one of them" }),
        limit,
        cursor,
      }),
      returns: page(deliveryView),
    }),
    update: action({
      summary: "Record what the carrier says",
      description:
        "`shipped` from `created`, `delivered` from `shipped`, `failed` from both; the same again changes nothing. " +
        "The order follows.",
      operationId: "updateDelivery",
      rest: "PATCH /deliveries/:id",
      auth: "staff",
      scope: "deliveries:write",
      params: z.strictObject({
        id: id.meta({ description: "Id of the delivery" }),
        status: carrierStatus,
        tracking: line(100)
          .meta({ description: "The carrier's number", examples: ["SOUK-1"] })
          .optional(),
        reason: line(200)
          .meta({ description: "Why it failed", examples: ["Nobody was at home"] })
          .optional(),
      }),
      returns: deliveryView,
      errors: ["NOT_FOUND", "DELIVERY_TRANSITION"],
    }),
  },
  messages,
  actors: {
    delivery: {
      receives: ["delivery.request", "delivery.cancel"],
      inline: ["delivery.update", "delivery.erase_recipient"],
    },
  },
  workers: { eraseRecipient: { receives: ["user.erased"] } },
});

declare module "../../broker/contract/contract.ts" {
  interface Actions extends ActionsOf<typeof delivery> {}
  interface Messages extends MessagesOf<typeof messages> {}
}

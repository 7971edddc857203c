import { z } from "zod";
import { addressInput } from "../../broker/contract/addresses/address-input.ts";
import {
  type ActionsOf,
  action,
  command,
  defineContract,
  event,
  type MessagesOf,
  timer,
} from "../../broker/contract/contract.ts";
import { ext, extOf } from "../../broker/contract/fields.ts";
import {
  address,
  cursor,
  email,
  flag,
  id,
  label,
  limit,
  line,
  money,
  page,
  quantity,
  sku,
  time,
} from "../../broker/contract/schemas.ts";
import { severalOf } from "../../broker/contract/values/several.ts";
import { cartHeader, cartRevision, cartView } from "../cart/cart.contract.ts";
import { returnLines, returnReason, returnRequest, returnStatus } from "../returns/returns.contract.ts";
import { ordersConfig } from "./orders.config.ts";
import { ordersErrors } from "./orders.errors.ts";
import { addressExample, orderExample } from "./orders.examples.ts";
import {
  orderCustomer,
  orderedBy,
  orderFilters,
  orderGuest,
  orderLine,
  orderLineView,
  ticket,
  ticketView,
} from "./orders.schemas.ts";
import { returnUrl } from "./return-url.ts";

export const orderStatus = z
  .enum([
    "placed",
    "awaiting_payment",
    "paid",
    "shipped",
    "delivered",
    "rejected",
    "cancelled",
    "expired",
    "delivery_failed",
    "refunded",
  ])
  .meta({ id: "OrderStatus", description: "Where an order is: see the diagram of its states" });
export type OrderStatus = z.output<typeof orderStatus>;
/** Statuses after which an order does not change any more. */
export const finalStatuses: readonly OrderStatus[] = [
  "delivered",
  "rejected",
  "cancelled",
  "expired",
  "refunded",
];

export const provider = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,31}$/, "must be a provider's name")
  .meta({ description: "Name of a payment provider", examples: ["sandbox"] });
export const paymentChoice = z
  .strictObject({
    provider,
    options: z.record(z.string().max(40), label(200)).optional().meta({
      description: "What the provider needs beyond the amount, as a phone number; each checks its own keys",
    }),
    returnUrl: returnUrl.optional(),
  })
  .meta({ id: "PaymentChoice", description: "How the customer wants to pay" });
export const nextAction = z
  .discriminatedUnion("type", [
    z
      .strictObject({
        type: z.literal("redirect"),
        url: z.url().meta({ examples: ["https://shop.example/api/v1/sandbox/pay/4f6b2c1d"] }),
      })
      .meta({ id: "RedirectAction", description: "Open this page, and pay there" }),
    z
      .strictObject({ type: z.literal("client_secret"), clientSecret: z.string() })
      .meta({ id: "ClientSecretAction", description: "Hand this secret to the provider's own form" }),
    z.strictObject({ type: z.literal("phone_prompt"), message: z.string() }).meta({
      id: "PhonePromptAction",
      description: "Confirm on the phone; the message says what to expect",
    }),
  ])
  .meta({ id: "NextAction", description: "What the customer has to do next to pay" })
  .nullable();
export type NextAction = z.output<typeof nextAction>;

const orderNumber = z.string().meta({ description: "For people", examples: ["261127-7K2QF-M9DXA"] });

const orderPaymentStatus = z
  .enum([
    "requested",
    "pending",
    "processing",
    "captured",
    "failed",
    "expired",
    "cancelled",
    "refunded",
    "partially_refunded",
  ])
  .meta({ id: "OrderPaymentStatus", description: "How the attempt to pay stands, as far as orders know" });
export const paymentSummary = z
  .strictObject({ id, provider, status: orderPaymentStatus, nextAction })
  .meta({ id: "OrderPayment", description: "The attempt to pay an order that counts" });
const orderDeliveryStatus = z
  .enum(["requested", "created", "shipped", "delivered", "failed", "cancelled"])
  .meta({ id: "OrderDeliveryStatus", description: "How the delivery stands, as far as orders know" });
export const deliverySummary = z
  .strictObject({ id, status: orderDeliveryStatus, tracking: z.string().nullable() })
  .meta({ id: "OrderDelivery", description: "The delivery of an order, in short" });
export const returnSummary = z
  .strictObject({ id, status: returnStatus })
  .meta({ id: "OrderReturn", description: "A return of goods of an order, in short" });
export const rejectedLine = z
  .strictObject({ sku, requested: quantity, available: z.int() })
  .meta({ id: "RejectedLine", description: "A line that could not be had, and how much there was" });
const statusChange = z
  .strictObject({ status: orderStatus, at: time })
  .meta({ id: "OrderStatusChange", description: "A status of an order, and since when" });

const orderExt = extOf("order");

export const orderView = z
  .strictObject({
    id,
    number: orderNumber,
    status: orderStatus,
    customer: orderCustomer,
    lines: z.array(orderLineView),
    total: money,
    shippingAddress: address,
    payment: paymentSummary.nullable().meta({ description: "Null where there is nothing to pay" }),
    delivery: deliverySummary.nullable(),
    returns: z.array(returnSummary).optional().meta({ description: "Present where there are any" }),
    outOfStock: z
      .array(rejectedLine)
      .optional()
      .meta({ description: "Present on a rejected order: the lines that could not be had" }),
    history: z.array(statusChange),
    createdAt: time,
    ext: orderExt.optional(),
    expiresAt: time.nullable().meta({
      description:
        "Until when it can be paid; null where that does not matter any more, and while the bank works on a payment",
    }),
    version: z.int().meta({ description: "Counts up with each change" }),
  })
  .meta({ id: "Order", description: "An order and how far it has come", examples: [orderExample] });
export type OrderView = z.output<typeof orderView>;

const orderId = id.meta({ description: "Id of the order" });
const preferWait = z.string().meta({
  description: "`wait=N`: seconds, at most 10, that the reply may wait for what comes next in the payment",
  examples: ["wait=5"],
});

const orderToken = z.string().meta({
  description: "Of a guest's order, instead of an access token",
  examples: ["mJ1pL6yD3cF5gH0aZk7Qw2nVx9sT4bR8mJ1pL6yD3cF"],
});
/** Header of the routes that a guest uses. */
const tokenHeader = { "X-Order-Token": orderToken };
const newTokenHeader = {
  "X-Order-Token": orderToken.meta({
    description: "On a guest's order: the secret by which it is seen, paid and cancelled. Shown once",
  }),
};

/** What each event of an order tells. */
const about = { number: orderNumber, customerId: id, ext: ext.optional() };
const paid = z.strictObject({
  ...about,
  lines: z.array(orderLine),
  total: money,
  paymentId: id.nullable().meta({ description: "Null where there was nothing to pay" }),
});
const ended = z
  .strictObject({ ...about, reason: z.string().nullable() })
  .meta({ id: "OrderEnd", description: "The end of an order, and why" });

const messages = {
  "order.place": command(
    "order",
    "Start an order, from POST /orders",
    z.strictObject({
      ...about,
      customer: orderedBy.optional(),
      guest: orderGuest.optional(),
      lines: z
        .array(orderLine)
        .min(1)
        .max(100)
        .refine((it) => new Set(it.map((line) => line.sku)).size === it.length, "a SKU at most once"),
      total: money,
      shippingAddress: address,
      payment: paymentChoice,
      paymentId: id,
      deliveryId: id,
      expiresAt: time,
    }),
  ),
  "order.pay": command(
    "order",
    "Try to pay again, from POST /orders/:id/payments",
    z.strictObject({ paymentId: id, payment: paymentChoice }),
  ),
  "order.cancel": command(
    "order",
    "Cancel an order that is not paid yet",
    z.strictObject({ by: id, reason: z.string().nullable() }),
  ),
  "order.return": command(
    "order",
    "Agree to a return of goods, from POST /orders/:id/returns",
    z.strictObject({
      returnId: id,
      lines: returnLines,
      reason: returnReason,
      deliveredAfter: time
        .nullable()
        .meta({ description: "It may be returned where it was delivered later; null: always" }),
    }),
  ),
  "order.erase_customer": command(
    "order",
    "Forget what need not be kept of the customer, whose account is gone",
    z.strictObject({}),
  ),
  "order.expire": timer("order", "The time to pay is over", z.strictObject({})),
  "order.placed": event("order", "An order was placed", z.strictObject({ ...about, total: money })),
  "order.rejected": event("order", "There was not enough stock", ended),
  "order.paid": event(
    "order",
    "An order was paid, with what was bought",
    paid.extend({
      shippingAddress: address,
      guestCartId: id.optional().meta({ description: "The guest's cart that was ordered" }),
    }),
  ),
  "order.cancelled": event("order", "An order was cancelled", ended),
  "order.expired": event("order", "An order was not paid in time", ended),
  "order.shipped": event(
    "order",
    "An order is on its way",
    z.strictObject({ ...about, tracking: z.string().nullable() }),
  ),
  "order.delivered": event("order", "An order has arrived", paid.omit({ paymentId: true })),
  "order.delivery_failed": event("order", "An order could not be delivered", ended),
  "order.refunded": event(
    "order",
    "An order's money was given back",
    z.strictObject({ ...about, amount: money }),
  ),
};

export const orders = defineContract({
  service: "orders",
  config: ordersConfig,
  errors: ordersErrors,
  description: "From the cart to the doorstep: placing, paying, following and cancelling orders.",
  actions: {
    place: action({
      summary: "Order what is in the cart",
      description:
        "Each revision of a cart is ordered once. The order holds stock, then waits to be paid: " +
        "`payment.nextAction` says how. The reply waits for that, 2 s unless `Prefer: wait=N` says otherwise; " +
        "without it yet, follow the order.\n\n" +
        "Give either `shippingAddress` or `addressId`. With `cartRevision` and `expectedTotal` nothing is ordered " +
        "that the customer has not seen. An order that is not paid in time expires.\n\n" +
        "A guest orders the cart of `X-Cart-Id` with `email` and `shippingAddress`, without signing in. The reply has " +
        "the secret `X-Order-Token`: who sends it sees, pays and cancels this order. It is shown once.\n\n" +
        "An order whose total is 0 needs no `payment` and asks no provider: it is paid once its stock is held.",
      operationId: "placeOrder",
      knowsCaller: true,
      headers: { request: { Prefer: preferWait, ...cartHeader }, reply: newTokenHeader },
      rest: "POST /orders",
      auth: "public",
      status: 201,
      idempotent: "required",
      params: z
        .strictObject({
          shippingAddress: addressInput.optional(),
          email: email.optional().meta({ description: "A guest's address" }),
          addressId: id.optional().meta({ description: "Id of a saved address" }),
          payment: paymentChoice.optional().meta({
            description: "How the customer wants to pay. Needed unless the total is 0; then it is ignored",
          }),
          ext: orderExt.optional(),
          cartRevision: cartRevision.optional().meta({
            description:
              "The cart's `revision` as the customer saw it; 409 CART_CHANGED when it is another by now",
          }),
          expectedTotal: money.optional().meta({
            description: "The total as the customer saw it; 409 PRICE_CHANGED when it is another by now",
          }),
        })
        .refine((it) => (it.shippingAddress === undefined) !== (it.addressId === undefined), {
          path: ["shippingAddress"],
          message: "give either shippingAddress or addressId",
        })
        .meta({
          examples: [
            {
              shippingAddress: addressExample,
              payment: { provider: "sandbox" },
            },
          ],
        }),
      returns: orderView,
      errors: [
        "CART_EMPTY",
        "CART_CHANGED",
        "PRICE_CHANGED",
        "CART_ALREADY_ORDERED",
        "TOO_MANY_OPEN_ORDERS",
        "OPEN_QUANTITY_EXCEEDED",
        "SKU_UNKNOWN",
        "CURRENCY_MIXED",
        "PROVIDER_UNKNOWN",
        "NOT_FOUND",
        "OVERLOADED",
      ],
      problems: {
        CART_CHANGED: z.strictObject({ cart: cartView }),
        PRICE_CHANGED: z.strictObject({ cart: cartView }),
        CART_ALREADY_ORDERED: z.strictObject({ orderId: id }),
        TOO_MANY_OPEN_ORDERS: z.strictObject({ orderIds: z.array(id) }),
        OPEN_QUANTITY_EXCEEDED: z.strictObject({ orderIds: z.array(id) }),
      },
    }),
    list: action({
      summary: "The caller's orders, newest first",
      description:
        "Staff get everybody's with `all=true`, may search and filter them, and are told the `total` up to 10,000.",
      operationId: "listOrders",
      rest: "GET /orders",
      auth: "customer",
      widerScope: "orders:read",
      params: z.strictObject({
        ...orderFilters,
        status: severalOf(orderStatus).optional().meta({ description: "Only those that are in one of them" }),
        all: flag.optional().meta({ description: "Everybody's; for staff" }),
        limit,
        cursor,
      }),
      returns: page(orderView),
      errors: ["FORBIDDEN"],
    }),
    get: action({
      summary: "One order of the caller",
      description:
        "With `Prefer: wait=N` the reply waits until the payment has come further than it is, e.g. to `paid`. " +
        "It does not wait when the order can't be paid any more.",
      operationId: "getOrder",
      headers: { request: { Prefer: preferWait, ...tokenHeader } },
      rest: "GET /orders/:id",
      auth: "public",
      widerScope: "orders:read",
      knowsCaller: true,
      params: z.strictObject({ id: orderId }),
      returns: orderView,
      errors: ["UNAUTHENTICATED", "NOT_FOUND"],
    }),
    cancel: action({
      summary: "Cancel an order",
      description: "While it is not paid. Stock that it held is free again, and its payment is cancelled.",
      operationId: "cancelOrder",
      headers: { request: tokenHeader },
      rest: "POST /orders/:id/cancel",
      auth: "public",
      widerScope: "orders:write",
      knowsCaller: true,
      repeatable: "a cancelled order is not cancelled again",
      params: z.strictObject({
        id: orderId,
        reason: line(200)
          .meta({ examples: ["Ordered by mistake"] })
          .optional(),
      }),
      returns: orderView,
      errors: ["NOT_FOUND", "ORDER_NOT_CANCELLABLE"],
    }),
    pay: action({
      summary: "Pay an order in another way",
      description:
        "A new attempt to pay, perhaps with another provider. The earlier one is cancelled at its provider. " +
        "Staff may make one for the customer, as an invoice by hand.",
      operationId: "payOrder",
      headers: { request: { Prefer: preferWait, ...tokenHeader } },
      rest: "POST /orders/:id/payments",
      auth: "public",
      widerScope: "orders:write",
      knowsCaller: true,
      status: 201,
      idempotent: "required",
      params: paymentChoice.extend({ id: orderId }),
      returns: orderView,
      errors: ["UNAUTHENTICATED", "NOT_FOUND", "ORDER_NOT_PAYABLE", "PROVIDER_UNKNOWN"],
    }),
    events: action({
      summary: "Follow an order",
      description:
        "Server-sent events: `order`, with the whole order as `data` and its version as `id`, at first and on each " +
        "change. The stream ends when the order has ended. `Last-Event-ID` goes on where a connection was lost.\n\n" +
        "A browser's `EventSource` sends no headers. It gets in with a `ticket` of POST /orders/:id/tickets.",
      operationId: "followOrder",
      headers: { request: tokenHeader },
      rest: "GET /orders/:id/events",
      auth: "public",
      widerScope: "orders:read",
      knowsCaller: true,
      produces: "text/event-stream",
      stream: {
        next: "next",
        event: "order",
        ends: ({ status }: OrderView) => finalStatuses.includes(status),
      },
      params: z.strictObject({
        id: orderId,
        ticket: ticket.optional().meta({
          description: "Of POST /orders/:id/tickets, instead of a token",
          format: "password",
        }),
      }),
      returns: z
        .unknown()
        .meta({ examples: [`event: order\nid: 4\ndata: ${JSON.stringify(orderExample)}\n\n`] }),
      errors: ["UNAUTHENTICATED", "NOT_FOUND"],
    }),
    issueTicket: action({
      summary: "A ticket to follow an order",
      description:
        "For a browser's `EventSource`, which sends no headers: GET /orders/:id/events?ticket=…, once, within a minute. " +
        "When the stream ends before the order has, ask for another one.",
      operationId: "createOrderTicket",
      headers: { request: tokenHeader },
      rest: "POST /orders/:id/tickets",
      auth: "public",
      widerScope: "orders:read",
      knowsCaller: true,
      repeatable: "one more ticket, for a minute",
      status: 201,
      params: z.strictObject({ id: orderId }),
      returns: ticketView,
      errors: ["UNAUTHENTICATED", "NOT_FOUND"],
    }),
    next: action({
      summary:
        "The order as soon as its version is above `after`, or null after `waitMs`; not ownership-checked: internal",
      params: z.strictObject({ id, after: z.int().min(0), waitMs: z.int().min(0).max(30_000) }),
      returns: orderView.nullable(),
    }),
    startReturn: action({
      summary:
        "Agrees to a return of goods of one of the caller's orders, once per `returnId`, and says what opens it: internal",
      params: messages["order.return"].data.extend({ id }),
      returns: returnRequest.extend({ lines: returnRequest.shape.lines.min(0) }),
      errors: ["UNAUTHENTICATED", "NOT_FOUND", "ORDER_NOT_RETURNABLE", "RETURN_EXCEEDS_ORDER"],
    }),
    owner: action({
      summary: "Whose order it is, for other services' ownership checks",
      readOnly: true,
      params: z.strictObject({ id }),
      returns: z.strictObject({ customerId: id, number: orderNumber }),
      errors: ["NOT_FOUND"],
    }),
  },
  messages,
  actors: {
    order: {
      collection: "orders",
      receives: [
        "stock.reserved",
        "stock.rejected",
        "payment.pending",
        "payment.processing",
        "payment.captured",
        "payment.failed",
        "payment.expired",
        "payment.refunded",
        "delivery.created",
        "delivery.shipped",
        "delivery.succeeded",
        "delivery.failed",
        "delivery.cancelled",
        "return.approved",
        "return.refused",
        "return.received",
        "return.refunded",
        "return.cancelled",
        "return.expired",
      ],
      inline: ["order.place", "order.pay", "order.cancel", "order.return", "order.erase_customer"],
    },
  },
  workers: { eraseCustomer: { receives: ["user.erased"] } },
});

declare module "../../broker/contract/contract.ts" {
  interface Actions extends ActionsOf<typeof orders> {}
  interface Messages extends MessagesOf<typeof messages> {}
}

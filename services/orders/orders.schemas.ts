/** What an order has of its lines and of its customer: as stored and sent, and as shown. */
import { z } from "zod";
import { email, id, line, money, quantity, sku, time } from "../../broker/contract/schemas.ts";
import { lineProduct } from "../cart/cart.contract.ts";

const whatAndHowMuch = {
  sku,
  name: z.string().meta({ examples: ["Brass lamp"] }),
  quantity,
  unitPrice: money,
  total: money,
};

/** In messages and states. Orders from before the product was kept do not have it, and older nodes do not know it. */
export const orderLine = z
  .strictObject({
    ...whatAndHowMuch,
    productId: lineProduct.productId.optional(),
    slug: lineProduct.slug.optional(),
    options: lineProduct.options.optional(),
    image: lineProduct.image.optional(),
  })
  .meta({ id: "OrderedLine", description: "A SKU that was ordered, at the price that was agreed" });
export type OrderLine = z.output<typeof orderLine>;

export const orderLineView = z
  .strictObject({
    sku,
    productId: lineProduct.productId.nullable(),
    slug: lineProduct.slug.nullable(),
    name: whatAndHowMuch.name,
    options: lineProduct.options,
    image: lineProduct.image,
    quantity,
    unitPrice: money,
    total: money,
  })
  .meta({
    id: "OrderLine",
    description:
      "A SKU that was ordered, at the price that was agreed. `productId` and `slug` are null in orders from before they were kept.",
  });

/** The customer's data at checkout, in messages and states. */
export const orderedBy = z
  .strictObject({ email: z.string().max(320), name: z.string().max(200) })
  .meta({ id: "OrderedBy", description: "Who ordered, as the account was at checkout" });
export type OrderedBy = z.output<typeof orderedBy>;

/** What an order keeps of a guest: whose cart it was, and the hash of the secret by which the order is seen. */
export const orderGuest = z
  .strictObject({ cartId: id, tokenHash: z.string().max(64) })
  .meta({ id: "OrderGuest", description: "The guest who ordered without an account" });

export const orderCustomer = z
  .strictObject({
    id: id.nullable(),
    email: z
      .string()
      .nullable()
      .meta({ examples: ["ann@example.com"] }),
    name: z
      .string()
      .nullable()
      .meta({ examples: ["Ann Example"] }),
  })
  .meta({
    id: "OrderCustomer",
    description:
      "Who ordered, as the account was at checkout. `id` is null for a guest. E-mail and name are null in orders from before they were kept.",
  });

const orderSort = z
  .enum(["newest", "oldest"])
  .meta({ id: "OrderSort", description: "Which order comes first in a list" });

/** Of lists of orders. */
export const orderFilters = {
  q: line(100)
    .optional()
    .meta({
      description:
        "Words of the number, of the customer's name and e-mail address, and SKUs; all of them. For staff",
      examples: ["ann 7K2QF-M9DXA"],
    }),
  number: z
    .string()
    .regex(/^[0-9A-Za-z-]{1,20}$/, "must be an order's number")
    .optional()
    .meta({ description: "Exactly this one; for staff", examples: ["261127-7K2QF-M9DXA"] }),
  email: email.optional().meta({ description: "Of the customer at checkout; for staff" }),
  customerId: id.optional().meta({ description: "Of one customer; for staff" }),
  from: time.optional().meta({ description: "Placed at this time or later" }),
  to: time.optional().meta({ description: "Placed before this time" }),
  sort: orderSort.optional().meta({ description: "What comes first" }),
};

export const ticket = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/, "must be a ticket of a reply")
  .meta({ examples: ["k7Qw2nVx9sT4bR8mJ1pL6yD3cF5gH0aZk7Qw2nVx9sT"] });
export const ticketView = z.strictObject({ ticket, expiresAt: time }).meta({
  id: "OrderTicket",
  description: "Lets one event stream of an order be opened",
  examples: [
    {
      ticket: "k7Qw2nVx9sT4bR8mJ1pL6yD3cF5gH0aZk7Qw2nVx9sT",
      expiresAt: "2026-11-27T09:31:00.000Z",
    },
  ],
});

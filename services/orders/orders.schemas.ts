/** What an order has of its lines and of its customer: as stored and sent, and as shown. */
import { z } from "zod";
import { id, money, quantity, sku } from "../../broker/contract/schemas.ts";
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

export const orderCustomer = z
  .strictObject({
    id,
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
      "Who ordered, as the account was at checkout. E-mail and name are null in orders from before they were kept.",
  });

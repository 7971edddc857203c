import { z } from "zod";
import { type ActionsOf, action, defineContract, type Returned } from "../../broker/contract/contract.ts";
import { id, money, moneySum, quantity, sku, slug } from "../../broker/contract/schemas.ts";
import { cartConfig } from "./cart.config.ts";
import { cartErrors } from "./cart.errors.ts";

/** What a page shows of a line's product, in carts and orders. */
export const lineProduct = {
  productId: id.meta({ description: "Id of the product" }),
  slug: slug.meta({ description: "Of the product, for the address of its page" }),
  options: z.record(z.string(), z.string()).meta({
    description: "What was chosen, in the variant's order",
    examples: [{ Colour: "brass" }],
  }),
  image: z
    .string()
    .nullable()
    .meta({ description: "URL of the product's first image", examples: ["https://images.example/lamp.jpg"] }),
};
/** The same of a variant. A node of an earlier version knows its product's id only, which does as a slug. */
export const lineProductOf = ({
  productId,
  slug = productId,
  options = {},
  image = null,
}: Returned<"products.variants">[number]) => ({ productId, slug, options, image });

export const lineView = z
  .strictObject({
    sku,
    ...lineProduct,
    name: z.string(),
    quantity,
    unitPrice: money,
    total: moneySum,
  })
  .meta({ id: "CartLine", description: "A SKU in a cart, at the price of now" });
const notice = z
  .strictObject({
    sku,
    code: z
      .enum(["unavailable", "low_stock", "price_changed"])
      .meta({ id: "CartNoticeCode", description: "What it is about" }),
    message: z.string().meta({ description: "The same for people" }),
  })
  .meta({ id: "CartNotice", description: "What the customer should know of a line before ordering" });
/** Changes with each change of the cart. `POST /orders` takes it as `cartRevision`. */
export const cartRevision = z
  .int()
  .min(0)
  .meta({ examples: [3] });
export const cartView = z
  .strictObject({
    id,
    revision: cartRevision.meta({
      description: "Another one after each change of the cart; POST /orders takes it as cartRevision",
    }),
    lines: z.array(lineView),
    total: moneySum,
    notices: z.array(notice),
  })
  .meta({
    id: "Cart",
    description: "What a customer or a guest is about to buy, at the prices of now",
    examples: [
      {
        id: "01941b2a-9c40-7b1e-a5d2-6f80c3e91b07",
        revision: 3,
        lines: [
          {
            sku: "LAMP-BRASS-1",
            productId: "01941a10-2f00-7c35-9d58-0a7b3e6f1c24",
            slug: "brass-lamp",
            name: "Brass lamp",
            options: { Colour: "brass" },
            image: "https://images.example/brass-lamp.jpg",
            quantity: 2,
            unitPrice: { amount: 4900, currency: "USD" },
            total: { amount: 9800, currency: "USD" },
          },
        ],
        total: { amount: 9800, currency: "USD" },
        notices: [
          {
            sku: "LAMP-BRASS-1",
            code: "price_changed",
            message: "The price has changed since it was put in.",
          },
        ],
      },
    ],
  });
const cartId = id.meta({
  description: "A guest's cart; a signed-in user's is known by the token",
  examples: ["01941b2a-9c40-7b1e-a5d2-6f80c3e91b07"],
});
/** Header of the routes that use a guest's cart. */
export const cartHeader = { "X-Cart-Id": cartId };
const newCartHeader = {
  "X-Cart-Id": cartId.meta({ description: "On a guest's first write: the cart that it has made" }),
};

const contentsView = z.strictObject({
  id,
  revision: cartRevision,
  lines: z.array(z.strictObject({ sku, quantity })),
});

export const cart = defineContract({
  service: "cart",
  config: cartConfig,
  errors: cartErrors,
  description:
    "Carts of customers and guests. A guest's first write returns `X-Cart-Id`; later requests send it.",
  actions: {
    get: action({
      summary: "The caller's cart",
      description: "A user's own, or a guest's by `X-Cart-Id`; an empty one where there is none yet.",
      operationId: "getCart",
      knowsCaller: true,
      headers: { request: cartHeader },
      rest: "GET /cart",
      auth: "public",
      params: z.strictObject({}),
      returns: cartView,
    }),
    setItem: action({
      summary: "Put a SKU into the cart, or change its quantity",
      description: "A guest's first call makes the cart, and its `X-Cart-Id` is in the reply.",
      operationId: "setCartItem",
      knowsCaller: true,
      headers: { request: cartHeader, reply: newCartHeader },
      rest: "PUT /cart/items/:sku",
      auth: "public",
      params: z.strictObject({ sku, quantity }),
      returns: cartView,
      errors: ["SKU_UNKNOWN", "CART_FULL"],
    }),
    removeItem: action({
      summary: "Take a SKU out of the cart",
      operationId: "removeCartItem",
      knowsCaller: true,
      headers: { request: cartHeader },
      rest: "DELETE /cart/items/:sku",
      auth: "public",
      params: z.strictObject({ sku }),
      returns: cartView,
      errors: ["NOT_FOUND"],
    }),
    clear: action({
      summary: "Empty the cart",
      operationId: "clearCart",
      knowsCaller: true,
      headers: { request: cartHeader },
      rest: "DELETE /cart",
      auth: "public",
      params: z.strictObject({}),
      returns: z.void(),
    }),
    merge: action({
      summary: "Move a guest's cart into a user's, once",
      params: z.strictObject({ cartId: id, userId: id }),
      returns: z.void(),
    }),
    guestContents: action({
      summary: "SKUs and quantities of a guest's cart, for checkout",
      readOnly: true,
      params: z.strictObject({ cartId: id }),
      returns: contentsView,
    }),
    contents: action({
      summary: "SKUs and quantities of a user's cart, for checkout",
      readOnly: true,
      params: z.strictObject({ userId: id }),
      returns: contentsView,
    }),
  },
  messages: {},
  workers: {
    dropBought: { receives: ["order.paid"] },
    clearErased: { receives: ["user.erased"] },
  },
});

declare module "../../broker/contract/contract.ts" {
  interface Actions extends ActionsOf<typeof cart> {}
}

import { z } from "zod";
import { type ActionsOf, action, defineContract, type MessagesOf } from "../../broker/contract/contract.ts";
import { id, money, moneySum, quantity, sku } from "../../broker/contract/schemas.ts";
import { cartErrors } from "./cart.errors.ts";

export const lineView = z
  .strictObject({ sku, name: z.string(), quantity, unitPrice: money, total: moneySum })
  .meta({ id: "CartLine" });
const notice = z
  .strictObject({
    sku,
    code: z.enum(["unavailable", "low_stock", "price_changed"]).meta({ id: "CartNoticeCode" }),
    message: z.string(),
  })
  .meta({ id: "CartNotice", description: "What the customer should know of a line before ordering" });
/** Another one after each change of the cart; `POST /orders` takes it as `cartRevision`. */
export const cartRevision = z.int().min(0);
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
  .meta({ id: "Cart" });

export const cart = defineContract({
  service: "cart",
  errors: cartErrors,
  actions: {
    get: action({
      summary: "The caller's cart: a user's own, or a guest's by X-Cart-Id",
      operationId: "getCart",
      rest: "GET /cart",
      auth: "public",
      params: z.strictObject({}),
      returns: cartView,
    }),
    setItem: action({
      summary: "Put a SKU into the cart or change its quantity; a guest's first call makes the cart",
      operationId: "setCartItem",
      rest: "PUT /cart/items/:sku",
      auth: "public",
      params: z.strictObject({ sku, quantity }),
      returns: cartView,
      errors: ["SKU_UNKNOWN", "CART_FULL"],
    }),
    removeItem: action({
      summary: "Take a SKU out of the cart",
      operationId: "removeCartItem",
      rest: "DELETE /cart/items/:sku",
      auth: "public",
      params: z.strictObject({ sku }),
      returns: cartView,
      errors: ["NOT_FOUND"],
    }),
    clear: action({
      summary: "Empty the cart",
      operationId: "clearCart",
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
    contents: action({
      summary: "SKUs and quantities of a user's cart, for checkout",
      readOnly: true,
      params: z.strictObject({ userId: id }),
      returns: z.strictObject({
        id,
        revision: cartRevision,
        lines: z.array(z.strictObject({ sku, quantity })),
      }),
    }),
  },
  messages: {},
  workers: { dropBought: { receives: ["order.paid"] } },
});

declare module "../../broker/contract/contract.ts" {
  interface Actions extends ActionsOf<typeof cart> {}
  interface Messages extends MessagesOf<typeof cart> {}
}

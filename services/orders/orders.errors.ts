/** Error codes of orders and checkout. */
import { type CodesOf, defineErrors } from "../../broker/contract/errors.ts";

export const ordersErrors = defineErrors({
  CART_EMPTY: { status: 422, title: "The cart has no lines." },
  CURRENCY_MIXED: { status: 422, title: "All lines of an order must be in one currency." },
  PRICE_CHANGED: { status: 409, title: "A price has changed since it was shown; `cart` has those of now." },
  CART_CHANGED: { status: 409, title: "The cart has changed since it was shown; `cart` is what it is now." },
  CART_ALREADY_ORDERED: {
    status: 409,
    title: "The cart has been ordered as it is: pay or cancel that order (`orderId`), or change the cart.",
  },
  TOO_MANY_OPEN_ORDERS: {
    status: 409,
    title: "So many orders wait for their payment already: pay or cancel one of them (`orderIds`) first.",
  },
  OPEN_QUANTITY_EXCEEDED: {
    status: 409,
    title:
      "The orders that wait for their payment (`orderIds`) and this one would hold too many units together.",
  },
  ORDER_NOT_CANCELLABLE: { status: 409, title: "The order can't be cancelled any more." },
  ORDER_NOT_PAYABLE: { status: 409, title: "The order can't be paid (any more)." },
});

declare module "../../broker/contract/errors.ts" {
  interface ErrorCodes extends CodesOf<typeof ordersErrors> {}
}

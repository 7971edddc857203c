/** Error codes of orders and checkout. */
import { type CodesOf, defineErrors } from "../../broker/contract/errors.ts";

export const ordersErrors = defineErrors({
  CART_EMPTY: { status: 422, title: "The cart has no lines." },
  CURRENCY_MIXED: { status: 422, title: "All lines of an order must be in one currency." },
  PRICE_CHANGED: {
    status: 409,
    title: "A price has changed since it was shown. `cart` has the present prices.",
  },
  CART_CHANGED: { status: 409, title: "The cart has changed since it was shown. `cart` is the present one." },
  CART_ALREADY_ORDERED: {
    status: 409,
    title: "This cart has already been ordered. Pay or cancel that order (`orderId`), or change the cart.",
  },
  TOO_MANY_OPEN_ORDERS: {
    status: 409,
    title: "Too many orders wait for payment. Pay or cancel one of them (`orderIds`) first.",
  },
  OPEN_QUANTITY_EXCEEDED: {
    status: 409,
    title: "This order and those that wait for payment (`orderIds`) would hold too many units.",
  },
  ORDER_NOT_CANCELLABLE: { status: 409, title: "The order can't be cancelled any more." },
  ORDER_NOT_RETURNABLE: {
    status: 409,
    title: "Only a delivered order can be returned, within the time that the shop gives.",
  },
  RETURN_EXCEEDS_ORDER: {
    status: 409,
    title: "So many units were not bought, or some of them are in another return.",
  },
  ORDER_NOT_PAYABLE: { status: 409, title: "The order can't be paid now, or not any more." },
});

declare module "../../broker/contract/errors.ts" {
  interface ErrorCodes extends CodesOf<typeof ordersErrors> {}
}

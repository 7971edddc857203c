/** Error codes of carts. */
import { type CodesOf, defineErrors } from "../../broker/contract/errors.ts";

export const cartErrors = defineErrors({
  CART_FULL: { status: 422, title: "The cart has as many lines as it can hold." },
});

declare module "../../broker/contract/errors.ts" {
  interface ErrorCodes extends CodesOf<typeof cartErrors> {}
}

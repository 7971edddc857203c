/** Error codes of carts. */
import { type CodesOf, defineErrors } from "../../broker/contract/errors.ts";

export const cartErrors = defineErrors({
  CART_FULL: { status: 422, title: "The cart has the maximum number of lines." },
});

declare module "../../broker/contract/errors.ts" {
  interface ErrorCodes extends CodesOf<typeof cartErrors> {}
}

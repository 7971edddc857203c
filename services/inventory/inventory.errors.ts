/** Error codes of stock. */
import { type CodesOf, defineErrors } from "../../broker/contract/errors.ts";

export const inventoryErrors = defineErrors({
  INSUFFICIENT_STOCK: { status: 409, title: "There is not enough stock." },
});

declare module "../../broker/contract/errors.ts" {
  interface ErrorCodes extends CodesOf<typeof inventoryErrors> {}
}

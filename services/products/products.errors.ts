/** Error codes of the catalogue. */
import { type CodesOf, defineErrors } from "../../broker/contract/errors.ts";

export const productsErrors = defineErrors({
  SLUG_TAKEN: { status: 409, title: "There is something with this slug already." },
  SKU_TAKEN: { status: 409, title: "There is something with this SKU already." },
  CATEGORY_IN_USE: { status: 409, title: "The category still has products or child categories." },
  SKU_UNKNOWN: { status: 422, title: "There is no such SKU on sale." },
});

declare module "../../broker/contract/errors.ts" {
  interface ErrorCodes extends CodesOf<typeof productsErrors> {}
}

/** Error codes of the catalogue. */
import { type CodesOf, defineErrors } from "../../broker/contract/errors.ts";

export const productsErrors = defineErrors({
  SLUG_TAKEN: { status: 409, title: "This slug is already in use." },
  SKU_TAKEN: { status: 409, title: "This SKU is already in use." },
  CATEGORY_IN_USE: { status: 409, title: "The category still has products or child categories." },
  PICTURE_REFUSED: { status: 422, title: "The file is no picture that the shop takes." },
  SKU_UNKNOWN: { status: 422, title: "This SKU is not on sale." },
});

declare module "../../broker/contract/errors.ts" {
  interface ErrorCodes extends CodesOf<typeof productsErrors> {}
}

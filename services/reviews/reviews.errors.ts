/** Error codes of reviews. */
import { type CodesOf, defineErrors } from "../../broker/contract/errors.ts";

export const reviewsErrors = defineErrors({
  REVIEW_EXISTS: { status: 409, title: "The customer has reviewed this product already." },
});

declare module "../../broker/contract/errors.ts" {
  interface ErrorCodes extends CodesOf<typeof reviewsErrors> {}
}

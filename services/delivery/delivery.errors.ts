/** Error codes of deliveries. */
import { type CodesOf, defineErrors } from "../../broker/contract/errors.ts";

export const deliveryErrors = defineErrors({
  DELIVERY_TRANSITION: { status: 409, title: "The delivery can't go to this status from where it is." },
});

declare module "../../broker/contract/errors.ts" {
  interface ErrorCodes extends CodesOf<typeof deliveryErrors> {}
}

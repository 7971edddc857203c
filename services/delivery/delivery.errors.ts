/** Error codes of deliveries. */
import { type CodesOf, defineErrors } from "../../broker/contract/errors.ts";

export const deliveryErrors = defineErrors({
  DELIVERY_TRANSITION: { status: 409, title: "The delivery's status does not permit this change." },
});

declare module "../../broker/contract/errors.ts" {
  interface ErrorCodes extends CodesOf<typeof deliveryErrors> {}
}

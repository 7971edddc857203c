/** Error codes of returns. */
import { type CodesOf, defineErrors } from "../../broker/contract/errors.ts";

export const returnsErrors = defineErrors({
  RETURN_TRANSITION: { status: 409, title: "The return's status does not permit this change." },
  RETURN_RECEIPT: {
    status: 409,
    title: "What was received does not fit the return: other SKUs, or more units than it has.",
  },
  RETURN_AMOUNT: {
    status: 409,
    title:
      "A return's refund may be less than what was paid for the accepted units, with a reason; never more.",
  },
});

declare module "../../broker/contract/errors.ts" {
  interface ErrorCodes extends CodesOf<typeof returnsErrors> {}
}

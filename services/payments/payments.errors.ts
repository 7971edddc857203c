/** Error codes of payments and invoices. */
import { type CodesOf, defineErrors } from "../../broker/contract/errors.ts";

export const paymentsErrors = defineErrors({
  INVOICE_NOT_ISSUED: { status: 404, title: "The order has no invoice yet. It gets one when it is paid." },
  PAYMENT_NOT_REFUNDABLE: { status: 409, title: "Nothing is left to refund on this payment." },
  REFUND_TOO_LARGE: { status: 422, title: "The refund is larger than what is left of the capture." },
  PROVIDER_UNKNOWN: { status: 422, title: "The payment provider does not exist or is not configured." },
  PROVIDER_FAILED: {
    status: 502,
    title: "The payment provider did not complete the request.",
    retryable: true,
  },
  WEBHOOK_REJECTED: { status: 401, title: "The webhook's signature is missing or wrong." },
});

declare module "../../broker/contract/errors.ts" {
  interface ErrorCodes extends CodesOf<typeof paymentsErrors> {}
}

import { startStripe } from "../../../../emulators/stripe/stripe.ts";
import { providerConformance } from "../../../support/provider-conformance.ts";

providerConformance({
  name: "stripe",
  start: startStripe,
  takes: [
    { amount: 1_999, currency: "USD" },
    { amount: 500, currency: "JPY" },
    { amount: 1_250, currency: "KWD" },
  ],
  refuses: null,
  webhooks: { proof: "signature", stale: true },
  refundRoute: "POST /v1/refunds",
  can: [
    "takeAtOnce",
    "refund",
    "partialRefund",
    "refundAtProvider",
    "dispute",
    "apiFaults",
    "createOnce",
    "misconfigure",
    "retryAfterDecline",
    "tooMuch",
  ],
});

import { providerConformance } from "../../../../../test/support/provider-conformance.ts";
import { startStripe } from "../emulator/stripe.ts";

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

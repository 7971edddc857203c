/** Stripe where the money is held until the shop captures it. */

import { providerConformance } from "../../../../../test/support/provider-conformance.ts";
import { startStripe } from "../emulator/stripe.ts";

providerConformance({
  name: "stripe",
  start: startStripe,
  env: { STRIPE_CAPTURE: "manual" },
  takes: [{ amount: 1_999, currency: "USD" }],
  refuses: null,
  webhooks: { proof: "signature", stale: true },
  refundRoute: "POST /v1/refunds",
  can: [
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

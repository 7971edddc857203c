import type { ProviderTraits } from "../../../../../test/support/providers/provider-traits.ts";
import { stripe } from "../stripe.ts";

export const traits: ProviderTraits = {
  provider: stripe,
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
    "process",
    "misconfigure",
    "retryAfterDecline",
    "tooMuch",
  ],
};

import type { ProviderTraits } from "../../../../../test/support/providers/provider-traits.ts";
import { paypal } from "../paypal.ts";

export const traits: ProviderTraits = {
  provider: paypal,
  takes: [
    { amount: 1_999, currency: "USD" },
    { amount: 500, currency: "JPY" },
  ],
  refuses: { amount: 1_250, currency: "KWD" },
  // It repeats a webhook for three days, perhaps with the time of the first.
  webhooks: { proof: "signature", stale: false },
  refundRoute: "POST /v2/payments/captures/*/refund",
  can: [
    "refund",
    "partialRefund",
    "refundAtProvider",
    "dispute",
    "apiFaults",
    "createOnce",
    "process",
    "misconfigure",
    "tooMuch",
  ],
};

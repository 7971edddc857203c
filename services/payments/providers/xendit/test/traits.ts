import type { ProviderTraits } from "../../../../../test/support/providers/provider-traits.ts";
import { xendit } from "../xendit.ts";

export const traits: ProviderTraits = {
  provider: xendit,
  takes: [
    { amount: 199_999, currency: "PHP" },
    { amount: 15_000_000, currency: "IDR" },
    { amount: 250_000, currency: "VND" },
  ],
  refuses: { amount: 1_999, currency: "EUR" },
  webhooks: { proof: "token", stale: false },
  refundRoute: "POST /refunds",
  can: [
    "takeAtOnce",
    "refund",
    "partialRefund",
    "refundAtProvider",
    "apiFaults",
    "createOnce",
    "process",
    "misconfigure",
    "tooMuch",
    "feeOnTop",
  ],
  limits: ["silentDecline"],
};

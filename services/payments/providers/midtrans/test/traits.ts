import type { ProviderTraits } from "../../../../../test/support/providers/provider-traits.ts";
import { midtrans } from "../midtrans.ts";

export const traits: ProviderTraits = {
  provider: midtrans,
  takes: [{ amount: 15_000_000, currency: "IDR" }],
  refuses: { amount: 1_999, currency: "USD" },
  // It covers order, code and amount, but not the status. So every webhook is verified by a question.
  webhooks: { proof: "body", stale: false },
  refundRoute: "POST /v2/*/refund/online/direct",
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
    "feeOnTop",
  ],
};

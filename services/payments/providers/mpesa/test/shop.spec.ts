import { providerConformance } from "../../../../../test/support/provider-conformance.ts";
import { startMpesa } from "../emulator/mpesa.ts";

providerConformance({
  name: "mpesa",
  start: startMpesa,
  payment: { phone: "0712 345678" },
  takes: [{ amount: 150_000, currency: "KES" }],
  refuses: { amount: 1_999, currency: "USD" },
  webhooks: { proof: "none", stale: false },
  refundRoute: "POST /mpesa/reversal/v1/request",
  can: ["takeAtOnce", "refund", "partialRefund", "createOnce", "misconfigure"],
  limits: ["unsignedAmount", "refundNeedsWebhook"],
});

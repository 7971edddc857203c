import type { ProviderTraits } from "../../../../../test/support/providers/provider-traits.ts";
import { mpesa } from "../mpesa.ts";

export const traits: ProviderTraits = {
  provider: mpesa,
  payment: { phone: "0712 345678" },
  takes: [{ amount: 150_000, currency: "KES" }],
  refuses: { amount: 1_999, currency: "USD" },
  webhooks: { proof: "none", stale: false },
  refundRoute: "POST /mpesa/reversal/v1/request",
  can: ["takeAtOnce", "refund", "partialRefund", "createOnce", "process", "misconfigure"],
  limits: ["unsignedAmount", "refundNeedsWebhook"],
  forged: ofAnotherAmount,
};

/** An unsigned callback with another amount than the requested one. */
function ofAnotherAmount(rawBody: Buffer): string | null {
  const { CheckoutRequestID, CallbackMetadata } = JSON.parse(rawBody.toString()).Body.stkCallback;
  const items: { Name: string; Value?: unknown }[] = CallbackMetadata?.Item ?? [];
  const amount = items.find((it) => it.Name === "Amount")?.Value;
  return amount === undefined || amount === 1_500 ? null : CheckoutRequestID;
}

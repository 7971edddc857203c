/** Refunds some or all of a paid invoice. Xendit accepts it and reports its end later. */
import { ProviderRefused, type RefundReport, type RefundRequest } from "../provider.ts";
import type { XenditApi } from "./api.ts";
import { majorOf, refundOf } from "./statuses.ts";

/** Existing refunds are read first, because Xendit forgets idempotency keys but not refunds. */
export async function refundInvoice(
  api: XenditApi,
  { providerRef, amount, reason, idempotencyKey }: RefundRequest,
  signal: AbortSignal,
): Promise<RefundReport> {
  const earlier = (await api.refunds(providerRef, signal))
    .map(refundOf)
    .find((it) => it.refundId === idempotencyKey);
  if (earlier) {
    if (earlier.amount.amount !== amount.amount || earlier.amount.currency !== amount.currency)
      throw new ProviderRefused("refunded before with another amount");
    return earlier;
  }
  const made = await api.createRefund(
    {
      invoice_id: providerRef,
      reference_id: idempotencyKey,
      amount: majorOf(amount),
      currency: amount.currency,
      // From Xendit's own list. The text of staff is sent too.
      reason: "OTHERS",
      metadata: { reason },
    },
    signal,
  );
  return refundOf(made);
}

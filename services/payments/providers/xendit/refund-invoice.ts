/** Gives back some or all of a paid invoice. Xendit takes it on and reports its end later. */
import { ProviderRefused, type RefundReport, type RefundRequest } from "../provider.ts";
import type { XenditApi } from "./api.ts";
import { majorOf, refundOf } from "./statuses.ts";

/** The books are asked first: Xendit forgets idempotency keys, but not refunds. */
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
      // Of Xendit's own list; staff's words go with it.
      reason: "OTHERS",
      metadata: { reason },
    },
    signal,
  );
  return refundOf(made);
}

/** Refunds some or all of a transaction. The way depends on the payment method. */
import { ProviderRefused, type RefundReport, type RefundRequest } from "../provider.ts";
import { segment } from "../support/http.ts";
import type { MidtransApi } from "./api.ts";
import { rupiah } from "./open-snap.ts";
import { figuresOf, reportOf } from "./statuses.ts";
import type { Transaction } from "./transaction.ts";

/** Methods that refund at once, through the payment provider behind Midtrans. */
const DIRECT: ReadonlySet<string> = new Set(["gopay", "qris", "shopeepay", "akulaku", "kredivo"]);

/**
 * @throws {ProviderRefused} for methods without refunds (bank transfers, shops), and for a part of a card payment
 * before its settlement
 */
export async function refundTransaction(
  api: MidtransApi,
  { providerRef, amount, reason, idempotencyKey }: RefundRequest,
  signal: AbortSignal,
): Promise<RefundReport> {
  const before = await api.status(providerRef, signal);
  if (!before) throw new ProviderRefused("nothing was paid");
  const earlier = known(before, idempotencyKey);
  if (earlier) {
    if (earlier.amount.amount !== amount.amount)
      throw new ProviderRefused("refunded before with another amount");
    return earlier;
  }
  const whole = rupiah(amount);
  const { amount: paid, fee } = figuresOf(before);
  const full = paid.amount - (fee?.amount ?? 0) === amount.amount;
  // Not settled yet: the card is not charged at all. This has no key and happens once.
  if (full && ["capture", "cancel"].includes(before.transaction_status)) {
    if (before.transaction_status === "capture") {
      const { code, message } = await api.act(`/v2/${segment(providerRef)}/cancel`, undefined, signal);
      if (code >= 400) throw new ProviderRefused(`midtrans: ${message}`);
    }
    return {
      refundId: idempotencyKey,
      refundRef: before.transaction_id,
      amount,
      status: "succeeded",
      reason,
    };
  }
  if (before.transaction_status === "capture")
    throw new ProviderRefused(
      "a card payment can be given back in part only when it is settled, within a day",
    );
  const { code, message } = await api.act(
    `/v2/${segment(providerRef)}/${pathFor(before)}`,
    { refund_key: idempotencyKey, amount: whole, reason },
    signal,
  );
  // The refusal may be about an earlier run's refund with this key. The transaction shows that.
  const after = await api.status(providerRef, signal);
  const made = after && known(after, idempotencyKey);
  if (made) return made;
  if (code >= 300) throw new ProviderRefused(`midtrans: ${message}`);
  return {
    refundId: idempotencyKey,
    refundRef: idempotencyKey,
    amount,
    status: code === 200 ? "succeeded" : "pending",
    reason,
  };
}

const known = (it: Transaction, refundId: string): RefundReport | undefined =>
  reportOf(it).refunds.find((refund) => refund.refundId === refundId);

function pathFor({ payment_type = "" }: Transaction): string {
  if (DIRECT.has(payment_type)) return "refund/online/direct";
  if (payment_type === "credit_card") return "refund";
  throw new ProviderRefused(`midtrans can't give back what was paid by ${payment_type || "this method"}`);
}

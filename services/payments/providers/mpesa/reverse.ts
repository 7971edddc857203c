/** Refunds a payment by a reversal. Its result is called back. */
import { ProviderRefused, type RefundReport, type RefundRequest } from "../provider.ts";
import { callbackKey } from "./callback-key.ts";
import { type Initiator, NotExecuted } from "./daraja.ts";
import { type Push, pushOf } from "./push.model.ts";
import { type Pusher, shillings } from "./push.ts";
import { refundsOf } from "./report.ts";

export interface Reverser extends Pusher {
  /** Null where reversals are not configured. */
  initiator: Initiator | null;
}

/**
 * A reversal is not idempotent at Daraja, so it is stored first and requested once. If the answer is lost, it stays
 * pending until its result is called back.
 * @throws {ProviderRefused} where staff must refund it by hand
 */
export async function reverse(
  it: Reverser,
  { providerRef, receipt, amount, reason, idempotencyKey: refundId }: RefundRequest,
  signal: AbortSignal,
): Promise<RefundReport> {
  const { pushes, daraja, callbackSecret, webhookUrl, initiator } = it;
  const push = await pushOf(pushes, providerRef);
  const earlier = refundOf(push, refundId);
  if (earlier) {
    if (earlier.amount.amount !== amount.amount)
      throw new ProviderRefused("refunded before with another amount");
    return earlier;
  }
  if (!initiator) throw new ProviderRefused("reversals are not set up for mpesa: give it back by hand");
  const whole = shillings(amount);
  const transaction = receipt ?? push.callback?.receipt;
  if (!transaction) throw new ProviderRefused("mpesa's receipt number is not known: give it back by hand");
  const { matchedCount } = await pushes.updateOne(
    { _id: push._id, "reversals.refundId": { $ne: refundId } },
    {
      $push: {
        reversals: {
          refundId,
          amount: amount.amount,
          reason,
          status: "pending",
          conversationId: null,
          failure: null,
        },
      },
    },
  );
  if (matchedCount === 1) {
    try {
      const conversationId = await daraja.reverse(
        {
          initiator,
          receipt: transaction,
          shillings: whole,
          resultUrl: webhookUrl(callbackKey(callbackSecret, { paymentId: push._id, refundId })),
          remarks: reason.slice(0, 100),
        },
        signal,
      );
      await pushes.updateOne(
        { _id: push._id, "reversals.refundId": refundId },
        { $set: { "reversals.$.conversationId": conversationId } },
      );
    } catch (error) {
      if (!(error instanceof NotExecuted)) throw error;
      await pushes.updateOne({ _id: push._id }, { $pull: { reversals: { refundId } } });
      throw error.meaning;
    }
  }
  const taken = refundOf(await pushOf(pushes, providerRef), refundId);
  if (!taken) throw new Error("a reversal was written down and is gone");
  return taken;
}

const refundOf = (push: Push, refundId: string): RefundReport | undefined =>
  refundsOf(push).find((it) => it.refundId === refundId);

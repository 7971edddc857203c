/** Tells a return how its refund has ended. Most refunds are of no return. */
import type { Model } from "mongoose";
import type { ActorDocument } from "../../broker/actor/runtime/document/actor-host.types.ts";
import type { Message } from "../../broker/contract/envelope.ts";
import type { WorkerTools } from "../../broker/moleculer/handlers.ts";
import type { ReturnState } from "./return/state.ts";

/** The return has stored the refund's id before it asked the payment. */
export async function followRefund(
  documents: Model<ActorDocument<ReturnState>>,
  { type, data }: Message<"payment.refunded" | "payment.refund_failed">,
  { answer }: WorkerTools,
): Promise<void> {
  const { refundId, amount } = data;
  const found = await documents.findOne({ "state.refund.id": refundId }, { _id: 1 }).lean();
  if (!found) return;
  const failure = type === "payment.refund_failed" ? data.reason : null;
  await answer("return.refund_settled", found._id, { refundId, amount: amount.amount, failure });
}

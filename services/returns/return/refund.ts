/** The money of a return. The payment is asked once per try, and its answer decides. Pure. */
import { type Outgoing, send } from "../../../broker/actor/define-actor.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import { derivedV7 } from "../../../broker/contract/ids.ts";
import {
  about,
  acceptedLines,
  type Decided,
  enter,
  moneyOf,
  type ReturnRefund,
  type ReturnState,
} from "./state.ts";

/**
 * A try to give the money back. Its id is derived, so a repeated message is the same refund. Where staff have given
 * back a part already, the payment gives what is left.
 */
export function refundOf(
  state: ReturnState,
  returnId: string,
  paymentId: string,
  amount: number,
  tries: number,
): { refund: ReturnRefund; command: Outgoing } {
  const id = derivedV7(returnId, "refund", tries);
  return {
    refund: { id, tries, status: "pending", amount, failure: null },
    command: send("payment.refund", paymentId, {
      refundId: id,
      amount: moneyOf(state, amount),
      upTo: true,
      reason: reasonOf(state),
    }),
  };
}

/** As long as the longest reason that staff may give. */
const MAX_REASON = 200;

/** What the customer reads on the credit note: the goods, and why it is less than was paid. */
function reasonOf(state: ReturnState): string {
  const goods = acceptedLines(state).map(({ quantity, name }) => `${quantity} × ${name}`);
  const why = state.reduction === null ? "" : ` (${state.reduction})`;
  const text = `Returned: ${goods.join(", ")}${why}`;
  // Not within a character of two units.
  return text.length <= MAX_REASON
    ? text
    : `${text.slice(0, MAX_REASON - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

/** The answer to another try comes late: each try is settled before the next one starts. */
export function settled(
  state: ReturnState,
  { subject, data, time }: Message<"return.refund_settled">,
): Decided {
  const { refund } = state;
  if (refund?.id !== data.refundId) return { state };
  if (data.failure !== null) {
    if (refund.status === "failed") return { state };
    return { state: { ...state, refund: { ...refund, status: "failed", failure: data.failure } } };
  }
  const { amount } = data;
  const given: ReturnRefund = { ...refund, status: "succeeded", amount, failure: null };
  return {
    state: enter(state, "refunded", time, { refund: given }),
    send: [
      send("return.refunded", state.orderId, {
        ...about(state, subject, acceptedLines(state)),
        refund: moneyOf(state, amount),
      }),
    ],
  };
}

/** Staff try again after the provider has refused. While a try is under way, nothing is done. */
export function retryRefund(state: ReturnState, { subject }: Message<"return.retry_refund">): Decided {
  const { refund, paymentId } = state;
  if (refund?.status !== "failed" || paymentId === null) return { state };
  const next = refundOf(state, subject, paymentId, refund.amount, refund.tries + 1);
  return { state: { ...state, refund: next.refund }, send: [next.command] };
}

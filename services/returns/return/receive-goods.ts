/** The goods have arrived: accepted units return to stock where they can be sold, and their money is given back. Pure. */
import { type Outgoing, send } from "../../../broker/actor/define-actor.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import { shareOf } from "../../../broker/contract/values/share.ts";
import { refuseReturn } from "./decide.ts";
import { refundOf } from "./refund.ts";
import {
  about,
  acceptedLines,
  type Decided,
  EXPIRY,
  enter,
  moneyOf,
  type ReceivedLine,
  type ReturnState,
  refuse,
} from "./state.ts";

export function receive(state: ReturnState, message: Message<"return.receive">): Decided {
  const { subject, data, time } = message;
  const unfit = misfit(state, data.lines);
  if (unfit !== undefined) return refuse(state, "RETURN_RECEIPT", unfit);
  const received = state.lines.map((line) => receivedLine(line, data.lines));
  const paid = received.reduce((sum, it) => sum + it.amount, 0);
  const { reason } = data;
  if (received.every((it) => it.accepted === 0))
    return reason === null
      ? refuse(state, "RETURN_RECEIPT", "Nothing is accepted. Say why.")
      : refuseReturn(state, { subject, time, data: { reason } });
  const amount = data.refund ?? paid;
  if (amount > paid) return refuse(state, "RETURN_AMOUNT", `${paid} was paid for the accepted units.`);
  if (amount < paid && reason === null)
    return refuse(state, "RETURN_AMOUNT", `Less than the ${paid} that was paid is given back. Say why.`);

  const arrived = enter(state, "received", time, {
    received,
    reduction: amount < paid ? reason : null,
    expiresAt: null,
  });
  const told = { ...about(arrived, subject, acceptedLines(arrived)), refund: moneyOf(arrived, amount) };
  const steps = [...restock(arrived), send("return.received", state.orderId, told)];
  const timers = [{ cancel: EXPIRY }];
  if (arrived.paymentId !== null && amount > 0) {
    const { refund, command } = refundOf(arrived, subject, arrived.paymentId, amount, 1);
    return { state: { ...arrived, refund }, send: [...steps, command], timers };
  }
  // There is nothing to give back, so no provider is asked.
  return {
    state: enter(arrived, "refunded", time),
    send: [...steps, send("return.refunded", state.orderId, told)],
    timers,
  };
}

/** The same receipt again changes nothing. */
export function receiveAgain(state: ReturnState, { data }: Message<"return.receive">): Decided {
  const isSame =
    misfit(state, data.lines) === undefined &&
    state.lines.every((line, n) => {
      const { accepted, restock } = receivedLine(line, data.lines);
      const present = state.received?.[n];
      return present?.accepted === accepted && present.restock === restock;
    });
  return isSame
    ? { state }
    : refuse(state, "RETURN_TRANSITION", "What has arrived is noted already, and its money is on its way.");
}

type Receipt = Message<"return.receive">["data"]["lines"];

/** Why a receipt does not fit. */
function misfit({ lines }: ReturnState, receipt: Receipt): string | undefined {
  for (const { sku, accepted } of receipt) {
    const line = lines.find((it) => it.sku === sku);
    if (!line) return `${sku} is not in this return.`;
    if (accepted > line.quantity) return `${line.quantity} of ${sku} are in this return.`;
  }
  return undefined;
}

function receivedLine(
  { sku, quantity, amount }: ReturnState["lines"][number],
  receipt: Receipt,
): ReceivedLine {
  const { accepted = 0, restock = false } = receipt.find((it) => it.sku === sku) ?? {};
  return {
    sku,
    accepted,
    restock: restock && accepted > 0,
    amount: shareOf({ quantity, amount: amount.amount }, accepted),
  };
}

const restock = ({ received, orderId }: ReturnState): Outgoing[] =>
  (received ?? []).flatMap(({ sku, accepted, restock }) =>
    restock ? [send("stock.restock", sku, { orderId, quantity: accepted, reason: "returned" })] : [],
  );

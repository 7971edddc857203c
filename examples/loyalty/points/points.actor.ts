/** The points of one customer (the actor's id). Paying with them is known by the payment, so that it happens once. Pure. */
import { type Decision, defineActor, type Message, type Outgoing, type ReceivedBy, send, z } from "souk";
import { loyalty, type Spending, spending } from "../loyalty.contract.ts";

export const pointsState = z.strictObject({
  /** Below 0 where earned points were spent before their order's money went back. */
  balance: z.int(),
  /** By payment. */
  spendings: z.record(z.string(), spending),
});
export type PointsState = z.output<typeof pointsState>;
export type PointsMessage = ReceivedBy<typeof loyalty, "points">;

type Decided = Decision<PointsState>;

const NOTHING: PointsState = { balance: 0, spendings: {} };

/** The provider's reference: it says whose points they were. */
export const refOf = (customerId: string, paymentId: string): string => `${customerId}.${paymentId}`;

function change(
  state: PointsState,
  customerId: string,
  delta: number,
  reason: string,
): { state: PointsState; send: Outgoing[] } {
  const balance = state.balance + delta;
  return {
    state: { ...state, balance },
    send: [send("points.changed", customerId, { delta, points: balance, reason })],
  };
}

const withSpending = (state: PointsState, paymentId: string, it: Spending): PointsState => ({
  ...state,
  spendings: { ...state.spendings, [paymentId]: it },
});

function adjust(state: PointsState, { subject, data }: Message<"points.adjust">): Decided {
  if (state.balance + data.delta < 0 && data.delta < 0)
    return { state, refusal: { code: "TOO_FEW_POINTS", detail: `There are ${state.balance} points.` } };
  return change(state, subject, data.delta, data.reason);
}

/** A message tells the payment that it is paid. The same write takes the points and sends the message. */
function spend(
  state: PointsState,
  { subject, data: { paymentId, amount } }: Message<"points.spend">,
): Decided {
  if (state.spendings[paymentId]) return { state };
  if (state.balance < amount.amount)
    return { state: withSpending(state, paymentId, { status: "refused", points: 0, refunds: {} }) };
  const taken = change(state, subject, -amount.amount, "spent");
  return {
    state: withSpending(taken.state, paymentId, { status: "spent", points: amount.amount, refunds: {} }),
    send: [
      ...taken.send,
      send("payment.report", paymentId, {
        provider: "credit",
        eventId: `spent ${paymentId}`,
        providerRef: refOf(subject, paymentId),
        status: "captured",
        amount,
        receipt: paymentId,
        reason: null,
      }),
    ],
  };
}

/** A cancellation that comes before the spending is remembered, so that the spending finds it. */
function cancel(state: PointsState, { data: { paymentId } }: Message<"points.cancel">): Decided {
  if (state.spendings[paymentId]) return { state };
  return { state: withSpending(state, paymentId, { status: "cancelled", points: 0, refunds: {} }) };
}

function giveBack(state: PointsState, { subject, data }: Message<"points.give_back">): Decided {
  const { paymentId, refundId, points } = data;
  const found = state.spendings[paymentId];
  if (found?.refunds[refundId] === points) return { state };
  const left = (found?.points ?? 0) - Object.values(found?.refunds ?? {}).reduce((a, b) => a + b, 0);
  if (!found || refundId in found.refunds || points > left)
    return { state, refusal: { code: "TOO_FEW_POINTS", detail: "So many points were not paid." } };
  const given = change(state, subject, points, "given back");
  const refunds = { ...found.refunds, [refundId]: points };
  return { ...given, state: withSpending(given.state, paymentId, { ...found, refunds }) };
}

export const pointsActor = defineActor(loyalty, "points", {
  idempotentByKey: ["points.spend", "points.cancel", "points.give_back"],
  maps: ["spendings"],
  state: pointsState,
  receive(before, message: Message<PointsMessage>): Decided {
    const state = before ?? NOTHING;
    switch (message.type) {
      case "points.earn":
        return change(state, message.subject, message.data.points, "earned");
      case "points.take_back":
        return change(state, message.subject, -message.data.points, "order refunded");
      case "points.adjust":
        return adjust(state, message);
      case "points.spend":
        return spend(state, message);
      case "points.cancel":
        return cancel(state, message);
      case "points.give_back":
        return giveBack(state, message);
    }
  },
});

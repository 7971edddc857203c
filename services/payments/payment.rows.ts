/** What a payment decides, one function per row of its table (payment.actor.ts). Reports may come late, twice, in any order. */
import type { z } from "zod";
import { type Decision, type Outgoing, send, type TimerChange } from "../../broker/actor/define-actor.ts";
import type { Envelope, Message } from "../../broker/bus/envelope.ts";
import type { DataIn } from "../../broker/contract.ts";
import type { ErrorCode } from "../../broker/errors.ts";
import {
  type Early,
  inCurrencyOf,
  type Payment,
  type PaymentState,
  type Refund,
  refundable,
  refunded,
} from "./payment.state.ts";
import type { anomalyKind } from "./payments.contract.ts";

export type PaymentMessage =
  | "payment.request"
  | "payment.opened"
  | "payment.refused"
  | "payment.notified"
  | "payment.unmatched"
  | "payment.cancel"
  | "payment.refund"
  | "provider.refunded"
  | "provider.refund_failed";

type Decided = Decision<PaymentState>;
type Notified = Message<"payment.notified">;

/** How long a report may be ahead of the request for its payment before it is told as an anomaly. */
export const UNMATCHED_AFTER_MS = 5_000;
const UNMATCHED = "unmatched";
/** More than a provider sends about one payment; what is beyond is told as an anomaly at once. */
const MAX_KEPT = 50;

// ---- before the request --------------------------------------------------------------------------------------

/** Keeps a message that has overtaken the request. A report without a request soon is an anomaly. */
export function keep(state: Early | null, message: Envelope): Decided {
  const early: Early = state ?? { status: "early", kept: [], reported: false };
  if (early.kept.some((it) => it.id === message.id)) return { state: early };
  if (early.kept.length >= MAX_KEPT) return { state: early, send: unknownPayment(message) };
  const kept = [...early.kept, message];
  if (message.type !== "payment.notified") return { state: { ...early, kept } };
  if (early.reported) return { state: { ...early, kept }, send: unknownPayment(message) };
  return { state: { ...early, kept }, timers: [unmatchedTimer(early, message)] };
}

/** Counts from the first report; setting it again with that time changes nothing. */
function unmatchedTimer(early: Early, message: Envelope): TimerChange {
  const first = early.kept.find((it) => it.type === "payment.notified") ?? message;
  return {
    set: UNMATCHED,
    message: { type: "payment.unmatched", data: {} },
    due: Date.parse(first.time) + UNMATCHED_AFTER_MS,
  };
}

/** The reports stay, in case the request comes yet. */
export function reportUnmatched(state: Early): Decided {
  if (state.reported) return { state };
  return { state: { ...state, reported: true }, send: state.kept.flatMap(unknownPayment) };
}

function unknownPayment(message: Envelope): Outgoing[] {
  if (message.type !== "payment.notified") return [];
  const { data } = message as Notified;
  if (data.status !== "captured") return [];
  return [
    send("payment.anomaly", message.subject, {
      id: message.id,
      paymentId: message.subject,
      orderId: null,
      provider: data.provider,
      providerRef: data.providerRef,
      kind: "unknown_payment",
      expected: null,
      reported: data.amount,
      at: message.time,
    }),
  ];
}

export function request({ data, time }: Message<"payment.request">): Payment {
  return {
    status: "requested",
    orderId: data.orderId,
    orderNumber: data.orderNumber,
    customerId: data.customerId,
    provider: data.payment.provider,
    amount: data.amount,
    providerRef: null,
    nextAction: null,
    captured: 0,
    receipt: null,
    failure: null,
    refunds: [],
    createdAt: time,
  };
}

/**
 * The request has come: what was kept is handled as if it came now.
 * @param receive the machine, which this is a row of
 */
export function requestAfterEarly(
  early: Early,
  message: Message<"payment.request">,
  receive: (state: PaymentState | null, message: Message<PaymentMessage>) => Decided,
): Decided {
  let state: PaymentState | null = request(message);
  const sent: Outgoing[] = [];
  for (const it of early.kept) {
    // Kept messages were checked against their contracts when they came.
    const decision = receive(state, it as Message<PaymentMessage>);
    state = decision.state;
    sent.push(...(decision.send ?? []));
  }
  return { state, send: sent, timers: [{ cancel: UNMATCHED }] };
}

// ---- opening and cancelling ----------------------------------------------------------------------------------

export function open(state: Payment, { subject, data }: Message<"payment.opened">): Decided {
  const { providerRef, nextAction } = data;
  return {
    state: { ...state, status: "pending", providerRef, nextAction },
    send: [
      send("payment.pending", state.orderId, { paymentId: subject, provider: state.provider, nextAction }),
    ],
  };
}

/** Nobody wants it any more: what the provider has opened is closed again. */
export function openedInVain(state: Payment, { subject, data }: Message<"payment.opened">): Decided {
  const opened = { ...state, providerRef: data.providerRef };
  return { state: opened, send: cancelAtProvider(opened, subject) };
}

/** A report has come before the provider's own answer; that adds nothing but, perhaps, the reference. */
export const noteOpened = (state: Payment, { data }: Message<"payment.opened">): Decided => ({
  state: state.providerRef ? state : { ...state, providerRef: data.providerRef },
});

export const refused = (state: Payment, { subject, data }: Message<"payment.refused">): Decided =>
  fail(state, subject, data.reason);

function fail(state: Payment, paymentId: string, reason: string): Decided {
  return {
    state: { ...state, status: "failed", nextAction: null, failure: reason },
    send: [send("payment.failed", state.orderId, { paymentId, reason })],
  };
}

export function cancel(state: Payment, { subject, data }: Message<"payment.cancel">): Decided {
  return {
    state: { ...state, status: "cancelled", nextAction: null, failure: data.reason },
    send: cancelAtProvider(state, subject),
  };
}

const cancelAtProvider = ({ provider, providerRef }: Payment, paymentId: string): Outgoing[] =>
  providerRef ? [send("provider.cancel", paymentId, { provider, providerRef })] : [];

// ---- what the provider reports -------------------------------------------------------------------------------

/** While the payment is open, the first report decides it. */
export function notifiedOpen(state: Payment, message: Notified): Decided {
  const { subject, data } = message;
  if (data.status === "captured") return capture(state, message);
  if (!isOurs(state, message)) return { state };
  const closed: Payment = { ...state, providerRef: data.providerRef, nextAction: null };
  const reason = data.reason ?? data.status;
  switch (data.status) {
    case "failed":
      return fail(closed, subject, reason);
    case "cancelled":
      return {
        state: { ...closed, status: "cancelled", failure: reason },
        send: [send("payment.failed", state.orderId, { paymentId: subject, reason })],
      };
    case "expired":
      return {
        state: { ...closed, status: "expired", failure: reason },
        send: [send("payment.expired", state.orderId, { paymentId: subject })],
      };
  }
}

/** Over for us, but a capture is real money: the order is told and, where it has no use for it, asks for it back. */
export function notifiedEnded(state: Payment, message: Notified): Decided {
  if (message.data.status !== "captured") return { state };
  const decision = capture(state, message);
  const late = decision.state !== state && state.status !== "failed";
  return late
    ? { ...decision, send: [...(decision.send ?? []), anomaly(state, message, "capture_after_end")] }
    : decision;
}

/** Paid already: the same capture again is an echo, another one is money too much. */
export function notifiedCaptured(state: Payment, message: Notified): Decided {
  const { data } = message;
  if (data.status !== "captured") return { state };
  if (data.provider !== state.provider) return { state, send: [anomaly(state, message, "unknown_payment")] };
  const otherReceipt = data.receipt !== null && state.receipt !== null && data.receipt !== state.receipt;
  if (otherReceipt || data.providerRef !== state.providerRef)
    return { state, send: [anomaly(state, message, "double_capture")] };
  const kind = mismatch(state, message);
  return kind ? { state, send: [anomaly(state, message, kind)] } : { state };
}

/** The only way to be paid: our provider, our reference, the right amount in the right currency. */
function capture(state: Payment, message: Notified): Decided {
  const { subject, data } = message;
  const kind = isOurs(state, message) ? mismatch(state, message) : "unknown_payment";
  if (kind) return { state, send: [anomaly(state, message, kind)] };
  return {
    state: {
      ...state,
      status: "captured",
      providerRef: data.providerRef,
      nextAction: null,
      captured: state.amount.amount,
      receipt: data.receipt,
      failure: null,
    },
    send: [send("payment.captured", state.orderId, { paymentId: subject, amount: state.amount })],
  };
}

const isOurs = (state: Payment, { data }: Notified): boolean =>
  data.provider === state.provider && (state.providerRef === null || data.providerRef === state.providerRef);

function mismatch({ amount }: Payment, { data }: Notified): AnomalyKind | null {
  if (data.amount && data.amount.currency !== amount.currency) return "currency_mismatch";
  return data.amount?.amount === amount.amount ? null : "amount_mismatch";
}

type AnomalyKind = z.output<typeof anomalyKind>;

function anomaly(
  state: Payment,
  message: Message<PaymentMessage>,
  kind: AnomalyKind,
  figures: Partial<Pick<DataIn<"payment.anomaly">, "expected" | "reported">> = {},
): Outgoing {
  const report = message.type === "payment.notified" ? message.data : null;
  return send("payment.anomaly", message.subject, {
    id: message.id,
    paymentId: message.subject,
    orderId: state.orderId,
    provider: report?.provider ?? state.provider,
    providerRef: report?.providerRef ?? state.providerRef,
    kind,
    expected: state.amount,
    reported: report?.amount ?? null,
    at: message.time,
    ...figures,
  });
}

// ---- refunds -------------------------------------------------------------------------------------------------

const refuse = (state: Payment, code: ErrorCode, detail: string): Decided => ({
  state,
  refusal: { code, detail },
});

/** Gives back a part, or with `amount: null` all that is left. The same refund id is the same refund. */
export function refund(state: Payment, message: Message<"payment.refund">): Decided {
  const { subject, data, time } = message;
  if (state.refunds.some((it) => it.id === data.refundId)) return { state };
  if (data.amount && data.amount.currency !== state.amount.currency)
    return refuse(state, "REFUND_TOO_LARGE", `The payment is in ${state.amount.currency}.`);
  const left = refundable(state);
  if (left === 0) return refuse(state, "PAYMENT_NOT_REFUNDABLE", "All of it is refunded or being refunded.");
  const amount = data.amount?.amount ?? left;
  if (amount > left) return refuse(state, "REFUND_TOO_LARGE", `${left} can still be refunded.`);
  if (amount === 0) return refuse(state, "PAYMENT_NOT_REFUNDABLE", "A refund must be more than nothing.");
  if (!state.providerRef) throw new Error("captured without a reference of its provider");
  const { provider, providerRef } = state;
  const pending: Refund = {
    id: data.refundId,
    amount,
    reason: data.reason,
    status: "pending",
    at: time,
  };
  return {
    state: { ...state, refunds: [...state.refunds, pending] },
    send: [
      send("provider.refund", subject, {
        provider,
        providerRef,
        refundId: data.refundId,
        amount: inCurrencyOf(state, amount),
        reason: data.reason,
      }),
    ],
  };
}

/**
 * All is given back already. Who wants that hears it (once more): an order that asks for the rest may wait for the
 * answer. The empty refund is noted, so that its id stays what it is.
 */
export function refundRefunded(state: Payment, { subject, data, time }: Message<"payment.refund">): Decided {
  if (state.refunds.some((it) => it.id === data.refundId)) return { state };
  if (data.amount) return refuse(state, "PAYMENT_NOT_REFUNDABLE", "All of it is refunded already.");
  const empty: Refund = { id: data.refundId, amount: 0, reason: data.reason, status: "succeeded", at: time };
  return {
    state: { ...state, refunds: [...state.refunds, empty] },
    send: [tellRefunded(state, subject, empty, true)],
  };
}

export const notRefundable = (state: Payment): Decided =>
  refuse(state, "PAYMENT_NOT_REFUNDABLE", `The payment is ${state.status}: nothing has been captured.`);

/** The provider has given it back. Money that a failed refund moved after all counts where there is room for it. */
export function refundSucceeded(state: Payment, message: Message<"provider.refunded">): Decided {
  const { subject, data } = message;
  const it = state.refunds.find((one) => one.id === data.refundId);
  if (!it || it.status === "succeeded") return { state };
  if (it.status === "failed" && it.amount > refundable(state)) {
    const reported = inCurrencyOf(state, it.amount);
    return { state, send: [anomaly(state, message, "refund_excess", { reported })] };
  }
  const next = withRefund(state, { ...it, status: "succeeded" });
  const full = refunded(next) === next.captured;
  return {
    state: { ...next, status: full ? "refunded" : "partially_refunded" },
    send: [tellRefunded(next, subject, it, full)],
  };
}

/** The money stays where it is: staff are told, and may try again under another id. */
export function refundFailed(state: Payment, message: Message<"provider.refund_failed">): Decided {
  const it = state.refunds.find((one) => one.id === message.data.refundId);
  if (!it || it.status === "failed") return { state };
  const told = anomaly(state, message, "refund_failed", { expected: inCurrencyOf(state, it.amount) });
  if (it.status === "succeeded") return { state, send: [told] };
  return { state: withRefund(state, { ...it, status: "failed" }), send: [told] };
}

const withRefund = (state: Payment, changed: Refund): Payment => ({
  ...state,
  refunds: state.refunds.map((it) => (it.id === changed.id ? changed : it)),
});

const tellRefunded = (state: Payment, paymentId: string, { id, amount }: Refund, full: boolean): Outgoing =>
  send("payment.refunded", state.orderId, {
    paymentId,
    refundId: id,
    amount: inCurrencyOf(state, amount),
    full,
  });

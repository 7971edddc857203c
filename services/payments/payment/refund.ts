/** Refunds: requested by the shop, or made at the provider. The provider's reports decide. */
import { type Outgoing, send } from "../../../broker/actor/define-actor.ts";
import type { DataOut } from "../../../broker/contract/contract.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import type { ErrorCode } from "../../../broker/contract/errors.ts";
import { derivedId } from "../../../broker/contract/ids.ts";
import { anomaly, book } from "./anomaly.ts";
import {
  andThen,
  type Decided,
  type PaymentMessage,
  type ProviderReport,
  type Step,
  unchanged,
} from "./decision.ts";
import { recheckAtProvider, refundAtProvider } from "./provider-commands.ts";
import {
  type DuplicateCapture,
  inCurrencyOf,
  type Payment,
  type Refund,
  refundable,
  refunded,
} from "./state.ts";

type RefundReport = DataOut<"payment.report">["refunds"][number];
type Told = Message<PaymentMessage>;

/** More than any real number of partial refunds. It bounds the document. */
const MAX_REFUNDS = 500;

const refuse = (state: Payment, code: ErrorCode, detail: string): Decided => ({
  state,
  refusal: { code, detail },
});

/** Refunds a part, or with `amount: null` everything that is left. The same refund id is the same refund. */
export function refund(state: Payment, message: Message<"payment.refund">): Decided {
  const { subject, data, time } = message;
  if (state.refunds.some((it) => it.id === data.refundId)) return { state };
  if (data.amount && data.amount.currency !== state.amount.currency)
    return refuse(state, "REFUND_TOO_LARGE", `The payment is in ${state.amount.currency}.`);
  const left = refundable(state);
  if (data.upTo) return refundUpTo(state, message, left);
  if (left === 0) return refuse(state, "PAYMENT_NOT_REFUNDABLE", "All of it is refunded or being refunded.");
  const amount = data.amount?.amount ?? left;
  if (amount > left) return refuse(state, "REFUND_TOO_LARGE", `${left} can still be refunded.`);
  if (amount === 0) return refuse(state, "PAYMENT_NOT_REFUNDABLE", "A refund must be more than nothing.");
  if (state.refunds.length >= MAX_REFUNDS)
    return refuse(state, "PAYMENT_NOT_REFUNDABLE", `${MAX_REFUNDS} refunds are the most.`);
  const pending = newRefund(data.refundId, amount, data.reason, time, "shop");
  return {
    state: { ...state, refunds: [...state.refunds, pending] },
    send: [refundAtProvider(state, subject, { ...pending, receipt: state.receipt })],
  };
}

/** As much of it as is left. Whoever asks waits for the answer, so there is always one. */
function refundUpTo(
  state: Payment,
  { subject, data, time }: Message<"payment.refund">,
  left: number,
): Decided {
  const { refundId, reason } = data;
  if (state.refunds.length >= MAX_REFUNDS) {
    const amount = data.amount ?? inCurrencyOf(state, left);
    const failure = `${MAX_REFUNDS} refunds are the most.`;
    const told = { paymentId: subject, refundId, amount, reason: failure };
    return { state, send: [send("payment.refund_failed", state.orderId, told)] };
  }
  const amount = Math.min(data.amount?.amount ?? left, left);
  const refund = newRefund(refundId, amount, reason, time, "shop");
  if (amount === 0) return withEmptyRefund(state, { subject, time }, refund);
  return {
    state: { ...state, refunds: [...state.refunds, refund] },
    send: [refundAtProvider(state, subject, { ...refund, receipt: state.receipt })],
  };
}

const newRefund = (
  id: string,
  amount: number,
  reason: string,
  at: string,
  origin: Refund["origin"],
): Refund => ({ id, amount, reason, status: "pending", at, origin, refundRef: null });

/**
 * Everything is already refunded. The caller is told again, because an order that asks for the rest may wait for the
 * answer. The empty refund is recorded, so that its id keeps its meaning.
 */
export function refundRefunded(state: Payment, { subject, data, time }: Message<"payment.refund">): Decided {
  if (state.refunds.some((it) => it.id === data.refundId)) return { state };
  if (data.amount && !data.upTo)
    return refuse(state, "PAYMENT_NOT_REFUNDABLE", "All of it is refunded already.");
  return withEmptyRefund(state, { subject, time }, newRefund(data.refundId, 0, data.reason, time, "shop"));
}

const withEmptyRefund = (
  state: Payment,
  message: Pick<Told, "subject" | "time">,
  refund: Refund,
): Decided => ({
  state: { ...state, refunds: [...state.refunds, { ...refund, status: "succeeded" }] },
  send: [tellRefunded(state, message, refund, state.status === "refunded")],
});

export const notRefundable = (state: Payment): Decided =>
  refuse(state, "PAYMENT_NOT_REFUNDABLE", `The payment is ${state.status}: nothing has been captured.`);

// ---- answers of the worker -----------------------------------------------------------------------------------

export function refundSucceeded(state: Payment, message: Message<"provider.refunded">): Decided {
  const { refundId, refundRef } = message.data;
  const known = withRef(state, refundId, refundRef ?? null, message);
  return andThen(known, (it) => decide(it, message, refundId, "succeeded"));
}

export function refundPending(state: Payment, message: Message<"provider.refund_pending">): Decided {
  return withRef(state, message.data.refundId, message.data.refundRef, message);
}

export function refundFailed(state: Payment, message: Message<"provider.refund_failed">): Decided {
  const { refundId, refundRef } = message.data;
  const ours = state.refunds.find((it) => it.id === refundId);
  if (ours && succeededOtherwise(ours, refundRef ?? null)) return { state };
  return decide(state, message, refundId, "failed");
}

/**
 * A refund made at the provider was taken for ours, and our own try has failed. Ours moved nothing, so nothing comes
 * back.
 * @param refundRef of the failed one; null where it was never made
 */
const succeededOtherwise = (ours: Refund, refundRef: string | null): boolean =>
  ours.status === "succeeded" &&
  (refundRef === null || (ours.refundRef !== null && ours.refundRef !== refundRef));

/**
 * Records the provider's id of one of our refunds. A report without our id may have been assigned to this refund, or
 * to another of the same amount. What was announced stays; the ids are corrected.
 */
function withRef(state: Payment, refundId: string, refundRef: string | null, message: Told): Step {
  const ours = state.refunds.find((it) => it.id === refundId);
  if (!ours || refundRef === null || ours.refundRef === refundRef) return unchanged(state);
  const holder = state.refunds.find((it) => it.refundRef === refundRef);
  if (holder?.origin === "provider") return unchanged(state);
  const noted = change(state, { ...ours, refundRef });
  if (holder) return unchanged(change(noted, { ...holder, refundRef: ours.refundRef }));
  if (ours.refundRef === null || ours.status !== "succeeded") return unchanged(noted);
  // So the one with the other id was made at the provider.
  return refundMadeAtProvider(noted, message, {
    refundId: null,
    refundRef: ours.refundRef,
    amount: inCurrencyOf(state, ours.amount),
    status: "succeeded",
    reason: null,
  });
}

// ---- reports -------------------------------------------------------------------------------------------------

/** All refunds in a report: ours, and those made at the provider. */
export function applyRefunds(state: Payment, message: ProviderReport): Step {
  let step = unchanged(state);
  for (const report of message.data.refunds) step = andThen(step, (it) => reported(it, message, report));
  return step;
}

function reported(state: Payment, message: ProviderReport, report: RefundReport): Step {
  const { refundId, refundRef, status, amount } = report;
  const isOurs = (it: Refund) => it.id === refundId || it.refundRef === refundRef;
  const duplicate = state.duplicateCaptures.find((it) => it.refundId === refundId);
  if (duplicate)
    return status === "pending" ? unchanged(state) : decide(state, message, duplicate.refundId, status);
  const ours =
    state.refunds.find(isOurs) ??
    // The provider does not say whose it is. It is our pending one, where the amount fits.
    (refundId === null
      ? state.refunds.find(
          (it) => it.status === "pending" && it.refundRef === null && it.amount === amount.amount,
        )
      : undefined);
  if (!ours) return refundMadeAtProvider(state, message, report);
  if (status === "failed" && succeededOtherwise(ours, refundRef)) return unchanged(state);
  const known = ours.refundRef === null ? unchanged(change(state, { ...ours, refundRef })) : unchanged(state);
  return status === "pending" ? known : andThen(known, (it) => decide(it, message, ours.id, status));
}

/**
 * A refund that was not requested here, so it was made at the provider. It is real: it counts, and the order is told.
 */
function refundMadeAtProvider(state: Payment, message: Told, report: RefundReport): Step {
  const { refundRef, amount, status } = report;
  if (status === "failed" || amount.amount === 0) return unchanged(state);
  if (amount.currency !== state.amount.currency || state.refunds.length >= MAX_REFUNDS)
    return anomaly(state, message, "refund_excess", { about: [refundRef], reported: amount });
  const left = refundable(state);
  const beyond = amount.amount - left;
  const told =
    beyond > 0
      ? anomaly(state, message, "refund_excess", { about: [refundRef], reported: amount })
      : unchanged(state);
  // Somebody has returned the fee too, which was never the shop's. What was the shop's counts.
  const countable = beyond <= 0 || (left > 0 && beyond <= state.fee);
  if (!countable) return told;
  const id = derivedId("refund", message.subject, refundRef);
  const reason = report.reason ?? "made at the provider";
  const counted = Math.min(amount.amount, left);
  const added = { ...newRefund(id, counted, reason, message.time, "provider"), refundRef };
  const noted = andThen(told, (it) => unchanged({ ...it, refunds: [...it.refunds, added] }));
  return status === "pending" ? noted : andThen(noted, (it) => decide(it, message, id, "succeeded"));
}

// ---- how it ended --------------------------------------------------------------------------------------------

function decide(state: Payment, message: Told, refundId: string, status: "succeeded" | "failed"): Step {
  const duplicate = state.duplicateCaptures.find((it) => it.refundId === refundId);
  if (duplicate) return decideDuplicateCapture(state, message, duplicate, status);
  const it = state.refunds.find((one) => one.id === refundId);
  if (!it || it.status === status) return unchanged(state);
  return status === "succeeded" ? succeed(state, message, it) : failed(state, message, it);
}

/**
 * The provider has refunded it. Money that a failed refund moved after all counts, as far as the captured amount
 * permits.
 */
function succeed(state: Payment, message: Told, it: Refund): Step {
  const amount = inCurrencyOf(state, it.amount);
  if (it.status === "failed" && it.amount > refundable(state))
    return anomaly(state, message, "refund_excess", { about: [it.id], reported: amount });
  const next = change(state, { ...it, status: "succeeded" });
  const full = refunded(next) === next.captured;
  return {
    state: { ...next, status: full ? "refunded" : "partially_refunded" },
    send: [
      tellRefunded(next, message, it, full),
      book(next, message, "refund", amount, { about: it.id, reference: it.refundRef }),
    ],
  };
}

/**
 * The money stays where it is. Staff are told, and may try again with another id. A refund that bounces after its
 * success stays a refund for the order, which was told so. The money waits in the ledger for staff.
 */
function failed(state: Payment, message: Told, it: Refund): Step {
  const amount = inCurrencyOf(state, it.amount);
  const told = anomaly(state, message, "refund_failed", { about: [it.id], expected: amount, reported: null });
  if (it.status !== "succeeded")
    return andThen(told, (one) => {
      const state = change(one, { ...it, status: "failed" });
      // A refund that did not fit beside this one may fit now. So the provider is asked for everything that it knows.
      return { state, send: [...recheckAtProvider(state, message.subject), tellFailed(state, message, it)] };
    });
  const { id, refundRef } = it;
  if (told.send.length === 0) return told;
  return andThen(told, (one) => ({
    state: one,
    send: [book(one, message, "refund_returned", amount, { about: id, reference: refundRef })],
  }));
}

function decideDuplicateCapture(
  state: Payment,
  message: Told,
  it: DuplicateCapture,
  status: "succeeded" | "failed",
): Step {
  if (it.status !== "pending") return unchanged(state);
  const duplicateCaptures = state.duplicateCaptures.map((one) =>
    one.refundId === it.refundId ? { ...one, status } : one,
  );
  const amount = inCurrencyOf(state, it.amount);
  const next = { ...state, duplicateCaptures };
  if (status === "failed")
    return anomaly(next, message, "refund_failed", {
      about: [it.refundId],
      expected: amount,
      reported: null,
    });
  return {
    state: next,
    send: [
      book(next, message, "duplicate_capture_refund", amount, { about: it.receipt, reference: it.receipt }),
    ],
  };
}

const change = (state: Payment, changed: Refund): Payment => ({
  ...state,
  refunds: state.refunds.map((it) => (it.id === changed.id ? changed : it)),
});

const tellFailed = (state: Payment, { subject, data }: Told, { id, amount }: Refund): Outgoing =>
  send("payment.refund_failed", state.orderId, {
    paymentId: subject,
    refundId: id,
    amount: inCurrencyOf(state, amount),
    reason:
      "reason" in data && data.reason ? data.reason.slice(0, 500) : "the provider has not given it back",
  });

const tellRefunded = (
  state: Payment,
  { subject: paymentId, time }: Pick<Told, "subject" | "time">,
  { id, amount }: Refund,
  full: boolean,
): Outgoing =>
  send("payment.refunded", state.orderId, {
    paymentId,
    bookedAt: time,
    refundId: id,
    amount: inCurrencyOf(state, amount),
    full,
  });

/** How a payment handles its provider's reports. They may come late, twice, in any order, or not at all. */
import { send } from "../../../broker/actor/define-actor.ts";
import type { DataIn } from "../../../broker/contract/contract.ts";
import { derivedId } from "../../../broker/contract/ids.ts";
import { PROCESSING_MS } from "../payments.contract.ts";
import { type AnomalyKind, anomaly, book } from "./anomaly.ts";
import { andThen, type Decided, type ProviderReport, type Step, unchanged } from "./decision.ts";
import { cancelAtProvider, fail } from "./open.ts";
import { mismatchOf, paidOf } from "./paid-figures.ts";
import { duplicateCaptureRefund, recheckAtProvider, refundAtProvider } from "./provider-commands.ts";
import { applyRefunds } from "./refund.ts";
import {
  inCurrencyOf,
  isWatched,
  type Payment,
  refundable,
  refunded,
  withStatusAtProvider,
} from "./state.ts";

type Reported = DataIn<"payment.report">["status"];

/** Whether the status implies that money was taken. */
export const impliesCapture = (status: Reported): boolean =>
  status === "captured" || status === "partially_refunded" || status === "refunded" || status === "disputed";

/** For an open payment, or a failed attempt that may be repeated at the provider. */
export function reportWhileOpen(state: Payment, message: ProviderReport): Decided {
  const { subject, data } = message;
  if (impliesCapture(data.status)) return taken(state, message);
  if (!isOurs(state, message)) return { state };
  const known: Payment = { ...withStatusAtProvider(state, data.status), providerRef: data.providerRef };
  const reason = data.reason ?? data.status;
  const hasFailed = state.status === "failed";
  switch (data.status) {
    case "processing":
      return processing(known, message);
    case "authorized":
      return authorized(known, message);
    case "failed":
      return hasFailed ? { state: known } : fail(known, subject, reason);
    case "cancelled":
      if (hasFailed) return { state: known };
      return {
        state: { ...known, status: "cancelled", nextAction: null, failure: reason, processingUntil: null },
        send: [send("payment.failed", state.orderId, { paymentId: subject, reason, round: state.rounds })],
      };
    case "expired":
      if (hasFailed) return { state: known };
      return {
        state: { ...known, status: "expired", nextAction: null, failure: reason, processingUntil: null },
        send: [send("payment.expired", state.orderId, { paymentId: subject, round: state.rounds })],
      };
    default:
      return { state: state.providerRef === null || known.atProvider !== state.atProvider ? known : state };
  }
}

/**
 * The customer has paid, and the bank is slow: money is on its way. The order waits for it past its time to pay, as
 * long as the method may take. A repeated report does not prolong that.
 */
function processing(state: Payment, message: ProviderReport): Decided {
  const { subject } = message;
  if (state.status === "processing" || state.atProvider !== "processing") return { state };
  const begun = onItsWay(state, message);
  const { provider, rounds: round, processingUntil: until } = begun;
  return {
    state: { ...begun, status: "processing", nextAction: null, failure: null },
    send: [send("payment.processing", state.orderId, { paymentId: subject, provider, until, round })],
  };
}

/**
 * While money is on its way. A report that it is not may be older than the one that it is, from an attempt before.
 * So the provider is asked, and its answer counts. `pending` as an answer means that the customer must pay again.
 */
export function reportWhileProcessing(state: Payment, message: ProviderReport): Decided {
  const { subject, data } = message;
  const isEnd = !impliesCapture(data.status) && !AGREED.has(data.status);
  if (!isEnd || !isOurs(state, message)) return reportWhileOpen(state, message);
  if (!data.settles) return { state, send: recheckAtProvider(state, subject, { settles: true }) };
  return data.status === "pending"
    ? fail(state, subject, data.reason ?? "the bank did not pay")
    : reportWhileOpen(state, message);
}

/** From now on, its provider is asked for as long as the method may take. */
function onItsWay(state: Payment, { time, data }: ProviderReport) {
  const until = new Date(Date.parse(time) + (data.processingMs ?? PROCESSING_MS)).toISOString();
  return { ...state, processingUntil: until, rounds: state.rounds + 1, givenUp: false };
}

/**
 * The customer has agreed to pay, so the money is captured now. Any other amount than the order's is never captured.
 */
function authorized(state: Payment, message: ProviderReport): Decided {
  const { subject, data } = message;
  const kind = data.amount && mismatch(state, message);
  if (kind) return anomaly(state, message, kind, { about: figures(message) });
  if (state.status === "authorized") return { state };
  const { provider, providerRef, amount } = state;
  if (providerRef === null) throw new Error("authorised without a reference of its provider");
  return {
    state: { ...state, status: "authorized", nextAction: null },
    send: [send("provider.capture", subject, { provider, providerRef, amount })],
  };
}

/**
 * The payment has ended here, but a capture is real money. The order is told and requests a refund if it has no use
 * for it.
 */
export function reportAfterEnd(state: Payment, message: ProviderReport): Decided {
  const { data, subject } = message;
  if (impliesCapture(data.status)) {
    const step = taken(state, message);
    if (step.state.captured === 0) return step;
    return andThen(step, (it) => anomaly(it, message, "capture_after_end", { about: [data.providerRef] }));
  }
  if (!isOurs(state, message)) return { state };
  const reported: Payment = { ...withStatusAtProvider(state, data.status), providerRef: data.providerRef };
  const hasAgreed = AGREED.has(data.status) && reported.atProvider !== state.atProvider;
  const known = hasAgreed && reported.atProvider === "processing" ? onItsWay(reported, message) : reported;
  // It could not be cancelled before its reference was known, or the customer has agreed to an unwanted payment.
  // What a bank worked on could not be called off. Once it has failed, the customer could pay it again.
  const hasFailed = state.atProvider === "processing" && reported.atProvider === "failed";
  const isNews = state.providerRef === null || hasAgreed || hasFailed;
  if (isNews && isWatched(known)) return { state: known, send: cancelAtProvider(known, subject) };
  return { state: known.atProvider === state.atProvider && state.providerRef !== null ? state : known };
}

const AGREED: ReadonlySet<Reported> = new Set(["authorized", "processing"]);

/** Already paid. The same capture again is a repetition. Another one is a duplicate capture. */
export function reportAfterCapture(state: Payment, message: ProviderReport): Decided {
  const { data } = message;
  if (!impliesCapture(data.status)) return notCaptured(state, message);
  if (data.provider !== state.provider)
    return anomaly(state, message, "unknown_payment", { about: [data.provider, data.providerRef] });
  if (data.providerRef !== state.providerRef)
    return toSuspense(state, message, "double_capture", data.providerRef);
  if (data.receipt !== null && state.receipt !== null && data.receipt !== state.receipt)
    return duplicateCapture(state, message, data.receipt);
  // The report is about the capture that counts.
  const kind = data.amount && mismatch(state, message);
  if (kind) return anomaly(state, message, kind, { about: figures(message) });
  const known = withStatusAtProvider(state, data.status);
  const receipt = state.receipt ?? data.receipt;
  return refundsAndDispute(unchanged(receipt === state.receipt ? known : { ...known, receipt }), message);
}

/**
 * A report says that nothing was taken. Usually it is late. If the provider confirms it, the money is gone, for
 * example because somebody voided the card payment there. Our own refunds may look the same.
 */
function notCaptured(state: Payment, message: ProviderReport): Decided {
  const { subject, data } = message;
  const isEnd = data.status === "failed" || data.status === "cancelled" || data.status === "expired";
  if (!isEnd || !isOurs(state, message) || refundable(state) === 0) return { state };
  return data.settles
    ? chargeback(state, message, "voided")
    : { state, send: recheckAtProvider(state, subject, { settles: true }) };
}

/** More than a customer pays by mistake. Staff handle further ones. */
const MAX_DUPLICATE_CAPTURES = 20;

/** A second receipt is a second capture. Staff are told. It is refunded automatically when its amount is known. */
function duplicateCapture(state: Payment, message: ProviderReport, receipt: string): Step {
  const { subject, data } = message;
  const told = anomaly(state, message, "double_capture", { about: [receipt] });
  if (state.duplicateCaptures.some((it) => it.receipt === receipt)) return told;
  const paid = paidOf(data, state.amount);
  const known = paid !== null && paid.kept.amount > 0 && paid.kept.currency === state.amount.currency;
  if (!known || !state.providerRef || state.duplicateCaptures.length >= MAX_DUPLICATE_CAPTURES) return told;
  return andThen(told, (it) => {
    // The id keeps the former name, because a report that is repeated after an upgrade must find its refund.
    const refundId = derivedId("surplus", subject, receipt);
    // The provider's fee is not ours to return.
    const duplicate = { receipt, amount: paid.kept.amount, refundId, status: "pending" as const };
    return {
      state: { ...it, duplicateCaptures: [...it.duplicateCaptures, duplicate] },
      send: [
        book(it, message, "duplicate_capture", paid.kept, {
          about: receipt,
          reference: receipt,
          fee: paid.fee,
        }),
        refundAtProvider(it, subject, duplicateCaptureRefund(duplicate)),
      ],
    };
  });
}

/** A report that money was taken for a payment that was not paid so far. */
function taken(state: Payment, message: ProviderReport): Step {
  const { subject, data } = message;
  // Only its consequences were reported. The provider is asked for the amount.
  const incomplete = data.status !== "captured" && data.amount === null && !data.settles;
  if (incomplete && isOurs(state, message) && isWatched(state))
    return { state, send: recheckAtProvider(state, subject, { receipt: data.receipt, settles: true }) };
  const step = capture(state, message);
  return step.state.captured === 0 ? step : refundsAndDispute(step, message);
}

/** The only way to be paid: our provider, our reference, the right amount in the right currency. */
function capture(state: Payment, message: ProviderReport): Step {
  const { subject, data } = message;
  if (!isOurs(state, message))
    return anomaly(state, message, "unknown_payment", { about: [data.provider, data.providerRef] });
  const kind = mismatch(state, message);
  if (kind) {
    // The money is there, and none of it counts. Nothing more is expected.
    return toSuspense(withStatusAtProvider(state, data.status), message, kind, ...figures(message));
  }
  const paid = paidOf(data, state.amount) ?? { kept: state.amount, fee: 0 };
  return {
    state: {
      ...withStatusAtProvider(state, data.status),
      status: "captured",
      providerRef: data.providerRef,
      nextAction: null,
      opening: null,
      processingUntil: null,
      captured: state.amount.amount,
      fee: paid.fee,
      receipt: data.receipt,
      failure: null,
    },
    send: [
      send("payment.captured", state.orderId, {
        paymentId: subject,
        amount: state.amount,
        bookedAt: message.time,
      }),
      book(state, message, "capture", state.amount, { reference: data.receipt, fee: paid.fee }),
    ],
  };
}

/** Money that belongs to nothing. Staff are told, and the ledger records it. */
function toSuspense(
  state: Payment,
  message: ProviderReport,
  kind: AnomalyKind,
  ...about: (string | number)[]
): Step {
  const paid = paidOf(message.data, state.amount);
  const told = anomaly(state, message, kind, { about });
  if (told.send.length === 0 || paid === null || paid.kept.amount === 0) return told;
  const booking = { about: about.join(" "), reference: message.data.receipt, fee: paid.fee };
  return andThen(told, (it) => ({
    state: it,
    send: [book(it, message, "duplicate_capture", paid.kept, booking)],
  }));
}

/** Refunds or a dispute that the report contains beside the capture. */
function refundsAndDispute(step: Step, message: ProviderReport): Step {
  const { subject, data } = message;
  const refundsApplied = andThen(step, (it) => applyRefunds(it, message));
  if (data.status === "disputed") return andThen(refundsApplied, (it) => chargeback(it, message, "disputed"));
  const unnamed = data.status !== "captured" && data.refunds.length === 0 && !data.settles;
  return andThen(refundsApplied, (it) => ({
    state: it,
    send: unnamed ? recheckAtProvider(it, subject, { settles: true }) : [],
  }));
}

/** The bank or somebody else has taken the remaining money. Staff and the ledger are told once. */
function chargeback(state: Payment, message: ProviderReport, kind: "disputed" | "voided"): Step {
  if (state.disputed) return unchanged(state);
  const left = inCurrencyOf(state, state.captured - refunded(state));
  return andThen(anomaly(state, message, kind, { reported: left }), (it) => ({
    state: { ...it, disputed: true },
    send: left.amount > 0 ? [book(it, message, "dispute", left, { reference: it.receipt })] : [],
  }));
}

const isOurs = (state: Payment, { data }: ProviderReport): boolean =>
  data.provider === state.provider && (state.providerRef === null || data.providerRef === state.providerRef);

const mismatch = ({ amount }: Payment, { data }: ProviderReport): AnomalyKind | null =>
  mismatchOf(data, amount);

const figures = ({ data }: ProviderReport): (string | number)[] =>
  data.amount ? [data.amount.amount, data.amount.currency] : [];

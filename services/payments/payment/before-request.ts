/** Before a payment is requested: messages that arrive before the request are kept until it comes. */
import { type Outgoing, send, type TimerChange } from "../../../broker/actor/define-actor.ts";
import { presentType } from "../../../broker/contract/contract.ts";
import { checkEnvelope, type Envelope, type Message } from "../../../broker/contract/envelope.ts";
import { derivedId } from "../../../broker/contract/ids.ts";
import type { Decided, PaymentMessage, ProviderReport } from "./decision.ts";
import { impliesCapture } from "./provider-report.ts";
import type { Early, Payment, PaymentState } from "./state.ts";

/** How long a report may be ahead of its payment's request before it becomes an anomaly. */
export const UNMATCHED_AFTER_MS = 5_000;
const UNMATCHED = "unmatched";
/** More than a provider sends about one payment. Further ones become anomalies at once. */
const MAX_KEPT = 50;

/** Keeps a message that arrived before the request. A report without a request soon becomes an anomaly. */
export function keep(state: Early | null, message: Envelope): Decided {
  const early: Early = state ?? { status: "early", kept: [], reported: false };
  if (early.kept.some((it) => it.id === message.id)) return { state: early };
  if (early.kept.length >= MAX_KEPT) return { state: early, send: unknownPayment(message) };
  const kept = [...early.kept, message];
  if (!isReport(message)) return { state: { ...early, kept } };
  if (early.reported) return { state: { ...early, kept }, send: unknownPayment(message) };
  return { state: { ...early, kept }, timers: [unmatchedTimer(early, message)] };
}

const REPORTS = ["payment.report", "provider.command_failed"];

/** Includes the report that a payment exists, and that its provider could not be asked. */
const isReport = ({ type }: Envelope): boolean => REPORTS.includes(presentType(type));

/** Starts with the first report. Setting it again with the same time changes nothing. */
function unmatchedTimer(early: Early, message: Envelope): TimerChange {
  const first = early.kept.find(isReport) ?? message;
  return {
    set: UNMATCHED,
    message: { type: "payment.unmatched", data: {} },
    due: Date.parse(first.time) + UNMATCHED_AFTER_MS,
  };
}

/** The reports are kept, in case the request still comes. */
export function reportUnmatched(state: Early): Decided {
  if (state.reported) return { state };
  return { state: { ...state, reported: true }, send: state.kept.flatMap(unknownPayment) };
}

function unknownPayment(message: Envelope): Outgoing[] {
  if (!isReport(message)) return [];
  const { data, subject } = message as ProviderReport | Message<"provider.command_failed">;
  if ("status" in data && !impliesCapture(data.status)) return [];
  return [
    send("payment.anomaly", subject, {
      id: derivedId("anomaly", subject, "unknown_payment", data.provider, data.providerRef),
      paymentId: subject,
      orderId: null,
      provider: data.provider,
      providerRef: data.providerRef,
      kind: "unknown_payment",
      expected: null,
      reported: "amount" in data ? data.amount : null,
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
    ...(data.email !== undefined && { email: data.email }),
    provider: data.payment.provider,
    options: data.payment.options ?? {},
    ...(data.payment.returnUrl !== undefined && { returnUrl: data.payment.returnUrl }),
    amount: data.amount,
    expiresAt: data.expiresAt,
    providerRef: null,
    nextAction: null,
    opening: null,
    atProvider: null,
    checks: 0,
    processingUntil: null,
    rounds: 0,
    givenUp: false,
    captured: 0,
    fee: 0,
    receipt: null,
    failure: null,
    refunds: [],
    duplicateCaptures: [],
    disputed: false,
    anomalies: [],
    createdAt: time,
  };
}

/**
 * The request has come. Kept messages are handled as if they came now.
 * @param receive the machine that has this row
 */
export function requestAfterEarly(
  early: Early,
  message: Message<"payment.request">,
  receive: (state: PaymentState | null, message: Message<PaymentMessage>) => Decided,
): Decided {
  let state: PaymentState | null = request(message);
  const sent: Outgoing[] = [];
  for (const it of early.kept) {
    // It was checked when it came, but an earlier release may have stored it.
    const decision = receive(state, checkEnvelope(it) as Message<PaymentMessage>);
    state = decision.state;
    sent.push(...(decision.send ?? []));
  }
  return { state, send: sent, timers: [{ cancel: UNMATCHED }] };
}

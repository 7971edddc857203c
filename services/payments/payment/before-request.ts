/** Before a payment is asked for: what overtakes the request is kept until it comes. */
import { type Outgoing, send, type TimerChange } from "../../../broker/actor/define-actor.ts";
import { presentType } from "../../../broker/contract/contract.ts";
import { checkEnvelope, type Envelope, type Message } from "../../../broker/contract/envelope.ts";
import { derivedId } from "../../../broker/contract/ids.ts";
import type { Decided, PaymentMessage, ProviderReport } from "./decision.ts";
import { saysTaken } from "./provider-report.ts";
import type { Early, Payment, PaymentState } from "./state.ts";

/** How long a report may be ahead of the request for its payment before it is told as an anomaly. */
export const UNMATCHED_AFTER_MS = 5_000;
const UNMATCHED = "unmatched";
/** More than a provider sends about one payment; what is beyond is told as an anomaly at once. */
const MAX_KEPT = 50;

/** Keeps a message that has overtaken the request. A report without a request soon is an anomaly. */
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

/** Also that there is one, and that the provider could not be asked about it. */
const isReport = ({ type }: Envelope): boolean => REPORTS.includes(presentType(type));

/** Counts from the first report; setting it again with that time changes nothing. */
function unmatchedTimer(early: Early, message: Envelope): TimerChange {
  const first = early.kept.find(isReport) ?? message;
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
  if (!isReport(message)) return [];
  const { data, subject } = message as ProviderReport | Message<"provider.command_failed">;
  if ("status" in data && !saysTaken(data.status)) return [];
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
    provider: data.payment.provider,
    options: data.payment.options ?? {},
    amount: data.amount,
    expiresAt: data.expiresAt,
    providerRef: null,
    nextAction: null,
    opening: null,
    atProvider: null,
    checks: 0,
    givenUp: false,
    captured: 0,
    receipt: null,
    failure: null,
    refunds: [],
    duplicateCaptures: [],
    disputed: false,
    told: [],
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
    // Checked when it came, but an earlier release may have kept it.
    const decision = receive(state, checkEnvelope(it) as Message<PaymentMessage>);
    state = decision.state;
    sent.push(...(decision.send ?? []));
  }
  return { state, send: sent, timers: [{ cancel: UNMATCHED }] };
}

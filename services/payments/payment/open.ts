/** Opens a payment at its provider, possibly in several tries, and cancels it. */
import { type Outgoing, send } from "../../../broker/actor/define-actor.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import { anomaly } from "./anomaly.ts";
import { andThen, type Decided, type Step, unchanged } from "./decision.ts";
import { inCurrencyOf, isWatched, type Payment, withStatusAtProvider } from "./state.ts";

export function open(state: Payment, { subject, data }: Message<"payment.opened">): Decided {
  const { providerRef, nextAction } = data;
  return {
    state: {
      ...withStatusAtProvider(findable(state, data), "pending"),
      status: "pending",
      providerRef,
      nextAction,
      opening: null,
    },
    send: [
      send("payment.pending", state.orderId, { paymentId: subject, provider: state.provider, nextAction }),
    ],
  };
}

interface Findable {
  foundBy?: string[] | undefined;
}

/** The provider's worker knows what it is found by, whatever has become of the opening. */
const findable = (state: Payment, { foundBy }: Findable): Payment =>
  foundBy === undefined || state.foundBy !== undefined ? state : { ...state, foundBy };

/** The payment is no longer wanted. What the provider has opened is cancelled. */
export function openedAfterEnd(state: Payment, { subject, data }: Message<"payment.opened">): Decided {
  const opened = { ...findable(state, data), providerRef: data.providerRef };
  return { state: opened, send: cancelAtProvider(opened, subject) };
}

/** A report arrived before the provider's own answer. The answer adds at most the reference. */
export const noteOpened = (state: Payment, { data }: Message<"payment.opened">): Decided => ({
  state: findable(state.providerRef ? state : { ...state, providerRef: data.providerRef }, data),
});

export const refused = (state: Payment, { subject, data }: Message<"payment.refused">): Decided =>
  fail(findable(state, data), subject, data.reason);

/** A timer tries again (schedule.ts), until the order's time to pay is over. */
export function openFailed(state: Payment, message: Message<"payment.open_failed">): Decided {
  const { subject, data, time } = message;
  const { trouble, reason } = data;
  const known = findable(state, data);
  if (isTooLate(state, time)) return failInTime(known, subject);
  const failures = (state.opening?.failures ?? 0) + 1;
  const noted: Step = { state: { ...known, opening: { trouble, reason, failures, at: time } }, send: [] };
  if (trouble !== "misconfigured") return noted;
  return andThen(noted, (it) => anomaly(it, message, "provider_misconfigured", { reported: null }));
}

/** It is time to open it, with others or again. */
export function startOpening(state: Payment, { subject, time }: Message<"payment.open">): Decided {
  if (isTooLate(state, time)) return failInTime(state, subject);
  const { orderId, orderNumber, customerId, email, amount, provider, options, returnUrl, expiresAt } = state;
  return {
    state,
    send: [
      send("provider.open", subject, {
        orderId,
        orderNumber,
        customerId,
        ...(email !== undefined && { email }),
        amount,
        payment: { provider, options, ...(returnUrl !== undefined && { returnUrl }) },
        expiresAt: expiresAt ?? time,
      }),
    ],
  };
}

const isTooLate = ({ expiresAt }: Payment, time: string): boolean =>
  expiresAt !== null && Date.parse(time) >= Date.parse(expiresAt);

const failInTime = (state: Payment, paymentId: string): Decided =>
  fail(state, paymentId, `${state.provider} did not answer in time`);

export function fail(state: Payment, paymentId: string, reason: string): Step {
  return {
    state: { ...state, status: "failed", nextAction: null, failure: reason, processingUntil: null },
    send: [send("payment.failed", state.orderId, { paymentId, reason, round: state.rounds })],
  };
}

export function cancel(state: Payment, { subject, data }: Message<"payment.cancel">): Decided {
  return {
    state: { ...state, status: "cancelled", nextAction: null, failure: data.reason },
    send: cancelAtProvider(state, subject),
  };
}

export const cancelAtProvider = ({ provider, providerRef }: Payment, paymentId: string): Outgoing[] =>
  providerRef ? [send("provider.cancel", paymentId, { provider, providerRef })] : [];

/** A refund without an end by then, after more than ten hours by default, may never end. Staff investigate it. */
const STUCK_AFTER_CHECKS = 16;

function tellStuck(state: Payment, message: Message<"payment.check">): Step {
  const open = [
    ...state.refunds.map(({ id, amount, status }) => ({ id, amount, status })),
    ...state.duplicateCaptures.map(({ refundId: id, amount, status }) => ({ id, amount, status })),
  ].filter((it) => it.status === "pending");
  return open.reduce<Step>(
    (step, { id, amount }) =>
      andThen(step, (it) =>
        anomaly(it, message, "refund_stuck", {
          about: [id],
          expected: inCurrencyOf(it, amount),
          reported: null,
        }),
      ),
    unchanged(state),
  );
}

/** Asks the provider for the state. The last time it gives up instead, and closes what is open. */
export function check(state: Payment, message: Message<"payment.check">): Decided {
  const { subject, data } = message;
  const { provider, providerRef, status } = state;
  if (!isWatched(state) || !providerRef) return { state };
  if (!data.last) {
    const asked: Step = {
      state: { ...state, checks: state.checks + 1 },
      send: [send("provider.check", subject, { provider, providerRef })],
    };
    return state.checks < STUCK_AFTER_CHECKS ? asked : andThen(asked, (it) => tellStuck(it, message));
  }
  if (!WAITING.has(status)) return { state: { ...state, givenUp: true } };
  return {
    state: { ...state, status: "expired", nextAction: null, failure: "expired", givenUp: true },
    send: [
      ...cancelAtProvider(state, subject),
      send("payment.expired", state.orderId, { paymentId: subject, round: state.rounds }),
    ],
  };
}

const WAITING: ReadonlySet<Payment["status"]> = new Set(["requested", "pending", "processing", "authorized"]);

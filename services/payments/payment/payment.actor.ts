/**
 * One payment: requested by an order, opened and captured at a provider, possibly refunded. Its table is complete.
 */
import { type ActorDefinition, defineActor } from "../../../broker/actor/define-actor.ts";
import {
  type CreationRow,
  defineMachine,
  type Ignored,
  type Machine,
  type MachineTable,
  type Row,
} from "../../../broker/actor/state-machine.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import { payments } from "../payments.contract.ts";
import * as first from "./before-request.ts";
import type { Decided, PaymentMessage } from "./decision.ts";
import * as opening from "./open.ts";
import * as providerCommands from "./provider-commands.ts";
import * as reports from "./provider-report.ts";
import * as refunds from "./refund.ts";
import { type PaymentSchedule, withTimers } from "./schedule.ts";
import { type Early, type Payment, type PaymentState, paymentState, withoutEmail } from "./state.ts";

export type { PaymentMessage } from "./decision.ts";

type Status = PaymentState["status"];
type Rows = MachineTable<PaymentState, PaymentMessage>["expired"];

const ignore = (reason: string): Ignored => ({ ignore: reason });

/** A row of a requested payment. */
const row = <T extends PaymentMessage>(
  to: readonly Status[],
  decide: (state: Payment, message: Message<T>) => Decided,
): Row<PaymentState, Status, T> => ({
  to,
  decide(state, message) {
    if (state.status === "early") throw new Error("a row of a requested payment met an early one");
    return decide(state, message);
  },
});

/** A row for messages before the request, for the first and for further ones. */
const early = <T extends PaymentMessage>(
  decide: (state: Early | null, message: Message<T>) => Decided,
): Row<PaymentState, Status, T> & CreationRow<PaymentState, Status, T> => ({
  to: ["early"],
  decide(state: PaymentState | null, message: Message<T>) {
    if (state && state.status !== "early") throw new Error("a row of an early payment met a requested one");
    return decide(state, message);
  },
});

const keep = {
  "payment.opened": early<"payment.opened">(first.keep),
  "payment.refused": early<"payment.refused">(first.keep),
  "payment.open_failed": early<"payment.open_failed">(first.keep),
  "payment.report": early<"payment.report">(first.keep),
  "provider.command_failed": early<"provider.command_failed">(first.keep),
  "payment.cancel": early<"payment.cancel">(first.keep),
};

const REQUESTED = ignore("asked for already");
const MATCHED = ignore("the request has come since");
const NO_REFUND = ignore("there is no refund yet");
const noRefund = {
  "provider.refunded": NO_REFUND,
  "provider.refund_pending": NO_REFUND,
  "provider.refund_failed": NO_REFUND,
};
const OPENED = ignore("opened already");
const PAID: readonly Status[] = ["captured", "partially_refunded", "refunded"];
const notPaid = (status: Status) => row<"payment.refund">([status], refunds.notRefundable);
const check = (...to: Status[]) => row<"payment.check">(to, opening.check);
/** A failed command to its provider, in any status. */
const again = (status: Status) => ({
  "provider.command_failed": row<"provider.command_failed">([status], providerCommands.commandFailed),
  "payment.retry": row<"payment.retry">([status], providerCommands.retry),
});

/** Rows of a payment that can still be paid. */
const open = {
  "payment.request": REQUESTED,
  "payment.report": row<"payment.report">(
    ["requested", "pending", "processing", "authorized", "failed", "expired", "cancelled", ...PAID],
    reports.reportWhileOpen,
  ),
  "payment.unmatched": MATCHED,
  "payment.cancel": row<"payment.cancel">(["cancelled"], opening.cancel),
  ...noRefund,
};

/** Ended without money. A capture still counts. Everything else is late. */
const ended = (status: "expired" | "cancelled", opened: Pick<Rows, "payment.opened">) => ({
  ...opened,
  ...again(status),
  ...noRefund,
  "payment.request": REQUESTED,
  "payment.open": ignore(`${status} already`),
  "payment.refused": ignore(`${status} already`),
  "payment.open_failed": ignore(`${status} already`),
  "payment.report": row<"payment.report">([status, ...PAID], reports.reportAfterEnd),
  "payment.check": check(status),
  "payment.unmatched": MATCHED,
  "payment.cancel": ignore(`${status} already`),
  "payment.refund": notPaid(status),
});

const paid = (status: "captured" | "partially_refunded" | "refunded") => ({
  ...again(status),
  "payment.request": REQUESTED,
  "payment.open": OPENED,
  "payment.opened": row<"payment.opened">([status], opening.noteOpened),
  "payment.refused": ignore("it was paid, whatever a repeated opening says"),
  "payment.open_failed": ignore("it was paid, whatever a repeated opening says"),
  "payment.report": row<"payment.report">([status, ...PAID], reports.reportAfterCapture),
  "payment.check": check(status),
  "payment.unmatched": MATCHED,
  "payment.cancel": ignore("paid: the order is told, and asks for a refund if it has no use for it"),
  "payment.refund": row<"payment.refund">([status], refunds.refund),
  "provider.refunded": row<"provider.refunded">(
    [status, "partially_refunded", "refunded"],
    refunds.refundSucceeded,
  ),
  "provider.refund_pending": row<"provider.refund_pending">([status, ...PAID], refunds.refundPending),
  "provider.refund_failed": row<"provider.refund_failed">([status], refunds.refundFailed),
});

export const machine: Machine<PaymentState, PaymentMessage> = defineMachine<PaymentState, PaymentMessage>({
  name: "payment",
  final: ["failed", "expired", "cancelled", "refunded"],
  table: {
    none: {
      ...keep,
      ...noRefund,
      "payment.request": { to: ["requested"], decide: (_, message) => ({ state: first.request(message) }) },
      "payment.open": ignore("there is no such payment"),
      "payment.check": ignore("there is no such payment"),
      "payment.retry": ignore("there is no such payment"),
      "payment.unmatched": ignore("nothing was reported"),
      "payment.refund": ignore("there is no such payment"),
    },
    early: {
      ...keep,
      ...noRefund,
      "payment.request": {
        to: ["requested", "pending", "processing", "authorized", "failed", "expired", "cancelled", ...PAID],
        decide: (state, message) =>
          first.requestAfterEarly(state as Early, message, (next, it) => machine.receive(next, it)),
      },
      "payment.open": ignore("nobody has asked for it yet"),
      "payment.check": ignore("nobody has asked for it yet"),
      "payment.retry": ignore("nobody has asked for it yet"),
      "payment.unmatched": {
        to: ["early"],
        decide: (state) => first.reportUnmatched(state as Early),
      },
      "payment.refund": ignore("nobody has asked for this payment yet, so nobody has paid it"),
    },
    requested: {
      ...open,
      ...again("requested"),
      "payment.open": row<"payment.open">(["requested", "failed"], opening.startOpening),
      "payment.opened": row<"payment.opened">(["pending"], opening.open),
      "payment.refused": row<"payment.refused">(["failed"], opening.refused),
      "payment.open_failed": row<"payment.open_failed">(["requested", "failed"], opening.openFailed),
      "payment.check": check("requested", "expired"),
      "payment.refund": notPaid("requested"),
    },
    pending: {
      ...open,
      ...again("pending"),
      "payment.open": OPENED,
      "payment.opened": OPENED,
      "payment.refused": ignore("an earlier run has opened it"),
      "payment.open_failed": ignore("an earlier run has opened it"),
      "payment.check": check("pending", "expired"),
      "payment.refund": notPaid("pending"),
    },
    // The customer has paid, and the bank is slow. Only its provider knows how it ends.
    processing: {
      ...open,
      ...again("processing"),
      "payment.open": OPENED,
      "payment.opened": row<"payment.opened">(["processing"], opening.noteOpened),
      "payment.refused": ignore("an earlier run has opened it"),
      "payment.open_failed": ignore("an earlier run has opened it"),
      "payment.report": row<"payment.report">(
        ["processing", "authorized", "failed", "expired", "cancelled", ...PAID],
        reports.reportWhileProcessing,
      ),
      "payment.check": check("processing", "expired"),
      "payment.refund": notPaid("processing"),
    },
    authorized: {
      ...open,
      ...again("authorized"),
      "payment.open": OPENED,
      "payment.opened": row<"payment.opened">(["authorized"], opening.noteOpened),
      "payment.refused": ignore("an earlier run has opened it"),
      "payment.open_failed": ignore("an earlier run has opened it"),
      "payment.check": check("authorized", "expired"),
      "payment.refund": notPaid("authorized"),
    },
    failed: {
      ...open,
      ...again("failed"),
      "payment.open": ignore("failed already"),
      "payment.opened": row<"payment.opened">(["failed"], opening.openedAfterEnd),
      "payment.refused": ignore("failed already"),
      "payment.open_failed": ignore("failed already"),
      // A provider may let the customer try again after a failure.
      "payment.report": row<"payment.report">(
        ["failed", "processing", "authorized", ...PAID],
        reports.reportWhileOpen,
      ),
      "payment.check": check("failed"),
      "payment.refund": notPaid("failed"),
    },
    expired: ended("expired", { "payment.opened": row<"payment.opened">(["expired"], opening.noteOpened) }),
    cancelled: ended("cancelled", {
      "payment.opened": row<"payment.opened">(["cancelled"], opening.openedAfterEnd),
    }),
    captured: paid("captured"),
    partially_refunded: paid("partially_refunded"),
    refunded: {
      ...paid("refunded"),
      "payment.refund": row<"payment.refund">(["refunded"], refunds.refundRefunded),
    },
  },
});

/** @param schedule set by the operator, see config.ts */
export const createPaymentActor = (
  schedule: PaymentSchedule,
): ActorDefinition<PaymentState, PaymentMessage> =>
  defineActor(payments, "payment", {
    startedBy: ["payment.request"],
    state: paymentState,
    receive(state, message) {
      const decision = machine.receive(state, message);
      return withTimers(schedule, state, { ...decision, state: withoutEmail(decision.state) }, message);
    },
  });

/** One payment: asked for by an order, opened and taken at a provider, perhaps given back. Its table is complete. */
import { type Decision, defineActor } from "../../broker/actor/define-actor.ts";
import {
  type BirthRow,
  defineMachine,
  type Ignored,
  type Machine,
  type Row,
} from "../../broker/actor/state-machine.ts";
import type { Message } from "../../broker/bus/envelope.ts";
import * as rows from "./payment.rows.ts";
import { type Early, type Payment, type PaymentState, paymentState } from "./payment.state.ts";

export type { PaymentMessage } from "./payment.rows.ts";

type Status = PaymentState["status"];
type Decided = Decision<PaymentState>;

const ignore = (reason: string): Ignored => ({ ignore: reason });

/** A row of a payment that has been asked for. */
const row = <T extends rows.PaymentMessage>(
  to: readonly Status[],
  decide: (state: Payment, message: Message<T>) => Decided,
): Row<PaymentState, Status, T> => ({
  to,
  decide(state, message) {
    if (state.status === "early") throw new Error("a row of a requested payment met an early one");
    return decide(state, message);
  },
});

/** A row for what comes before the request, for the first and for further messages. */
const early = <T extends rows.PaymentMessage>(
  decide: (state: Early | null, message: Message<T>) => Decided,
): Row<PaymentState, Status, T> & BirthRow<PaymentState, Status, T> => ({
  to: ["early"],
  decide(state: PaymentState | null, message: Message<T>) {
    if (state && state.status !== "early") throw new Error("a row of an early payment met a requested one");
    return decide(state, message);
  },
});

const keep = {
  "payment.opened": early<"payment.opened">(rows.keep),
  "payment.refused": early<"payment.refused">(rows.keep),
  "payment.notified": early<"payment.notified">(rows.keep),
  "payment.cancel": early<"payment.cancel">(rows.keep),
};

const REQUESTED = ignore("asked for already");
const MATCHED = ignore("the request has come since");
const NO_REFUND = ignore("there is no refund yet");
const notPaid = (status: Status) => row<"payment.refund">([status], rows.notRefundable);
/** A capture after the end still counts; all else is late. */
const ended = (status: Status) => row<"payment.notified">([status, "captured"], rows.notifiedEnded);
const paid = {
  "payment.request": REQUESTED,
  "payment.refused": ignore("it was paid, whatever a repeated opening says"),
  "payment.unmatched": MATCHED,
  "payment.cancel": ignore("paid: the order is told, and asks for a refund if it has no use for it"),
};
const open = {
  "payment.request": REQUESTED,
  "payment.notified": row<"payment.notified">(
    ["requested", "pending", "captured", "failed", "expired", "cancelled"],
    rows.notifiedOpen,
  ),
  "payment.unmatched": MATCHED,
  "payment.cancel": row<"payment.cancel">(["cancelled"], rows.cancel),
  "provider.refunded": NO_REFUND,
  "provider.refund_failed": NO_REFUND,
};

export const machine: Machine<PaymentState, rows.PaymentMessage> = defineMachine<
  PaymentState,
  rows.PaymentMessage
>({
  name: "payment",
  final: ["failed", "expired", "cancelled", "refunded"],
  table: {
    none: {
      ...keep,
      "payment.request": { to: ["requested"], decide: (_, message) => ({ state: rows.request(message) }) },
      "payment.unmatched": ignore("nothing was reported"),
      "payment.refund": ignore("there is no such payment"),
      "provider.refunded": NO_REFUND,
      "provider.refund_failed": NO_REFUND,
    },
    early: {
      ...keep,
      "payment.request": {
        to: ["requested", "pending", "captured", "failed", "expired", "cancelled"],
        decide: (state, message) =>
          rows.requestAfterEarly(state as Early, message, (next, it) => machine.receive(next, it)),
      },
      "payment.unmatched": {
        to: ["early"],
        decide: (state) => rows.reportUnmatched(state as Early),
      },
      "payment.refund": ignore("nobody has asked for this payment yet, so nobody has paid it"),
      "provider.refunded": NO_REFUND,
      "provider.refund_failed": NO_REFUND,
    },
    requested: {
      ...open,
      "payment.opened": row<"payment.opened">(["pending"], rows.open),
      "payment.refused": row<"payment.refused">(["failed"], rows.refused),
      "payment.refund": notPaid("requested"),
    },
    pending: {
      ...open,
      "payment.opened": ignore("opened already"),
      "payment.refused": ignore("an earlier run has opened it"),
      "payment.refund": notPaid("pending"),
    },
    failed: {
      "payment.request": REQUESTED,
      "payment.opened": row<"payment.opened">(["failed"], rows.openedInVain),
      "payment.refused": ignore("failed already"),
      "payment.notified": ended("failed"),
      "payment.unmatched": MATCHED,
      // A provider may let the customer try again after a failure.
      "payment.cancel": row<"payment.cancel">(["cancelled"], rows.cancel),
      "payment.refund": notPaid("failed"),
      "provider.refunded": NO_REFUND,
      "provider.refund_failed": NO_REFUND,
    },
    expired: {
      "payment.request": REQUESTED,
      "payment.opened": row<"payment.opened">(["expired"], rows.noteOpened),
      "payment.refused": ignore("expired already"),
      "payment.notified": ended("expired"),
      "payment.unmatched": MATCHED,
      "payment.cancel": ignore("expired at the provider, which is as good"),
      "payment.refund": notPaid("expired"),
      "provider.refunded": NO_REFUND,
      "provider.refund_failed": NO_REFUND,
    },
    cancelled: {
      "payment.request": REQUESTED,
      "payment.opened": row<"payment.opened">(["cancelled"], rows.openedInVain),
      "payment.refused": ignore("cancelled already"),
      "payment.notified": ended("cancelled"),
      "payment.unmatched": MATCHED,
      "payment.cancel": ignore("cancelled already"),
      "payment.refund": notPaid("cancelled"),
      "provider.refunded": NO_REFUND,
      "provider.refund_failed": NO_REFUND,
    },
    captured: {
      ...paid,
      "payment.opened": row<"payment.opened">(["captured"], rows.noteOpened),
      "payment.notified": row<"payment.notified">(["captured"], rows.notifiedCaptured),
      "payment.refund": row<"payment.refund">(["captured"], rows.refund),
      "provider.refunded": row<"provider.refunded">(
        ["captured", "partially_refunded", "refunded"],
        rows.refundSucceeded,
      ),
      "provider.refund_failed": row<"provider.refund_failed">(["captured"], rows.refundFailed),
    },
    partially_refunded: {
      ...paid,
      "payment.opened": row<"payment.opened">(["partially_refunded"], rows.noteOpened),
      "payment.notified": row<"payment.notified">(["partially_refunded"], rows.notifiedCaptured),
      "payment.refund": row<"payment.refund">(["partially_refunded"], rows.refund),
      "provider.refunded": row<"provider.refunded">(["partially_refunded", "refunded"], rows.refundSucceeded),
      "provider.refund_failed": row<"provider.refund_failed">(["partially_refunded"], rows.refundFailed),
    },
    refunded: {
      ...paid,
      "payment.opened": row<"payment.opened">(["refunded"], rows.noteOpened),
      "payment.notified": row<"payment.notified">(["refunded"], rows.notifiedCaptured),
      "payment.refund": row<"payment.refund">(["refunded"], rows.refundRefunded),
      "provider.refunded": row<"provider.refunded">(["refunded"], rows.refundSucceeded),
      "provider.refund_failed": row<"provider.refund_failed">(["refunded"], rows.refundFailed),
    },
  },
});

export const paymentActor = defineActor({
  type: "payment",
  service: "payments",
  receives: [
    "payment.request",
    "payment.opened",
    "payment.refused",
    "payment.notified",
    "payment.unmatched",
    "payment.cancel",
    "payment.refund",
    "provider.refunded",
    "provider.refund_failed",
  ],
  startedBy: ["payment.request"],
  state: paymentState,
  receive: (state, message) => machine.receive(state, message),
});

/**
 * One return of goods: requested by the customer, approved or refused by staff, received, refunded. Its order guards
 * that no unit is returned twice (services/orders/order/returns.ts); this actor guards that each return is refunded and
 * restocked once.
 */
import { defineActor } from "../../../broker/actor/define-actor.ts";
import { defineMachine, type Ignored, type MachineTable } from "../../../broker/actor/state-machine.ts";
import { type ReturnStatus, returns } from "../returns.contract.ts";
import { approve, cancel, expire, notNow, refuseReturn, request } from "./decide.ts";
import { receive, receiveAgain } from "./receive-goods.ts";
import { retryRefund, settled } from "./refund.ts";
import { type ReturnMessage, type ReturnState, returnState } from "./state.ts";

type Rows = MachineTable<ReturnState, ReturnMessage>[ReturnStatus];

const ignore = (reason: string): Ignored => ({ ignore: reason });
const notOpened = ignore("there is no such return");
const openedAlready = ignore("opened already; a repeated request gets the return as it is");
const noRefund = ignore("no refund was asked for");

/** Before the goods have arrived. */
const open = (status: "requested" | "approved") =>
  ({
    "return.request": openedAlready,
    "return.cancel": { to: ["cancelled"], decide: cancel },
    "return.refund_settled": noRefund,
    "return.retry_refund": { to: [status], decide: notNow("refunded") },
  }) satisfies Partial<Rows>;

/** After the goods have arrived, or when none come any more. */
const closed = (status: ReturnStatus) =>
  ({
    "return.request": openedAlready,
    "return.approve": { to: [status], decide: notNow("approved") },
    "return.refuse": { to: [status], decide: notNow("refused") },
    "return.cancel": { to: [status], decide: notNow("cancelled") },
    "return.receive": { to: [status], decide: notNow("received") },
    "return.retry_refund": { to: [status], decide: notNow("refunded") },
    "return.refund_settled": noRefund,
    "return.expire": ignore("only an approved return expires"),
  }) satisfies Rows;

export const machine = defineMachine<ReturnState, ReturnMessage>({
  name: "return",
  final: ["refused", "refunded", "cancelled", "expired"],
  table: {
    none: {
      "return.request": { to: ["requested"], decide: request },
      "return.approve": notOpened,
      "return.refuse": notOpened,
      "return.cancel": notOpened,
      "return.receive": notOpened,
      "return.retry_refund": notOpened,
      "return.refund_settled": notOpened,
      "return.expire": notOpened,
    },
    requested: {
      ...open("requested"),
      "return.approve": { to: ["approved"], decide: approve },
      "return.refuse": { to: ["refused"], decide: refuseReturn },
      "return.receive": { to: ["requested"], decide: notNow("received before it is approved") },
      "return.expire": ignore("only an approved return expires"),
    },
    approved: {
      ...open("approved"),
      "return.approve": ignore("approved already"),
      "return.refuse": { to: ["approved"], decide: notNow("refused; accept nothing when it arrives") },
      "return.receive": { to: ["approved", "received", "refunded", "refused"], decide: receive },
      "return.expire": { to: ["expired"], decide: expire },
    },
    received: {
      ...closed("received"),
      "return.receive": { to: ["received"], decide: receiveAgain },
      "return.retry_refund": { to: ["received"], decide: retryRefund },
      "return.refund_settled": { to: ["received", "refunded"], decide: settled },
    },
    refunded: {
      ...closed("refunded"),
      "return.receive": { to: ["refunded"], decide: receiveAgain },
      "return.retry_refund": ignore("refunded already"),
      "return.refund_settled": ignore("refunded already"),
    },
    refused: { ...closed("refused"), "return.refuse": ignore("refused already") },
    cancelled: { ...closed("cancelled"), "return.cancel": ignore("cancelled already") },
    expired: closed("expired"),
  },
});

/** A key in the state identifies every message: the status, or the refund's id. */
export const returnActor = defineActor(returns, "return", {
  idempotentByKey: "all",
  startedBy: ["return.request"],
  state: returnState,
  receive: machine.receive,
});

/**
 * The order and its saga: one table says what every message does in every status. Each phase has a file beside this
 * one.
 *
 * placed → awaiting_payment → paid → shipped → delivered; placed → paid where there is nothing to pay. Final statuses:
 * rejected, cancelled, expired (unpaid), delivered, and delivery_failed → refunded. When staff refund the whole payment, the order becomes refunded from any
 * status. A delivery that has not left is then stopped, and its goods return to stock. Goods that the customer has
 * come back by returns (services/returns): the order guards that no unit is returned twice.
 */
import { defineActor } from "../../../broker/actor/define-actor.ts";
import { defineMachine, type Ignored, type MachineTable } from "../../../broker/actor/state-machine.ts";
import { finalStatuses, type OrderStatus, orders } from "../orders.contract.ts";
import type { OrderMessage } from "./decision.ts";
import { refuse } from "./decision.ts";
import {
  delivered,
  deliveryFailed,
  noteCreated,
  noteShipped,
  noteSucceeded,
  restockReturned,
  shipped,
} from "./deliver.ts";
import { cancel, expire } from "./end-unpaid.ts";
import { eraseCustomer } from "./erase-customer.ts";
import { noteRejectedLine, rejected, releaseUnknownHold, reserved } from "./hold-stock.ts";
import {
  attemptEnded,
  attemptEndedInTime,
  captured,
  pay,
  pending,
  processing,
  refusePayment,
} from "./pay.ts";
import { place } from "./place.ts";

import { refundCapture, refunded, refundNoted, refundUnknownOrder } from "./refund.ts";
import { noteReturn, refuseReturn, startReturn } from "./returns.ts";
import { type OrderState, orderState } from "./state.ts";

type Rows = MachineTable<OrderState, OrderMessage>[OrderStatus];

const ignore = (reason: string): Ignored => ({ ignore: reason });
const notCreated = ignore("there is no such order");
const placedAlready = ignore("placed already; a repeated request gets the order as it is");

/** Rows of all orders whose stock is decided or no longer needed. */
const settled = (status: OrderStatus) =>
  ({
    ...erasing(status),
    "order.place": placedAlready,
    "order.expire": ignore("only an unpaid order expires"),
    "stock.reserved": { to: [status], decide: releaseUnknownHold },
    "stock.rejected": ignore("a late answer: the units are held or not wanted"),
    "payment.pending": { to: [status], decide: pending },
    "payment.processing": ignore("nothing is waited for; what is captured all the same is refunded"),
    "payment.captured": { to: [status], decide: refundCapture },
    "payment.failed": { to: [status], decide: attemptEnded },
    "payment.expired": { to: [status], decide: attemptEnded },
    "payment.refunded": { to: [status], decide: refundNoted },
  }) satisfies Partial<Rows>;

/** Of any order. */
const erasing = (status: OrderStatus) =>
  ({ "order.erase_customer": { to: [status], decide: eraseCustomer } }) satisfies Partial<Rows>;

const noDelivery = {
  "delivery.created": ignore("no delivery was asked for"),
  "delivery.shipped": ignore("no delivery was asked for"),
  "delivery.succeeded": ignore("no delivery was asked for"),
  "delivery.failed": ignore("no delivery was asked for"),
  "delivery.cancelled": ignore("no delivery was asked for"),
} satisfies Partial<Rows>;

const notDelivered = ignore("goods come back only after they have arrived");
/** Of an order that has not arrived. */
const noReturns = (status: OrderStatus) =>
  ({
    "order.return": { to: [status], decide: refuseReturn },
    "return.approved": notDelivered,
    "return.refused": notDelivered,
    "return.received": notDelivered,
    "return.refunded": notDelivered,
    "return.cancelled": notDelivered,
    "return.expired": notDelivered,
  }) satisfies Partial<Rows>;

/** Of an order that has arrived, also after its money has gone back. */
const returning = (status: "delivered" | "refunded") =>
  ({
    "return.approved": { to: [status], decide: noteReturn },
    "return.refused": { to: [status], decide: noteReturn },
    "return.received": { to: [status], decide: noteReturn },
    "return.refunded": { to: [status], decide: noteReturn },
    "return.cancelled": { to: [status], decide: noteReturn },
    "return.expired": { to: [status], decide: noteReturn },
  }) satisfies Partial<Rows>;

/** An order that ended before it was paid. */
const endedUnpaid = (status: "rejected" | "cancelled" | "expired") =>
  ({
    ...settled(status),
    ...noDelivery,
    ...noReturns(status),
    "order.pay": { to: [status], decide: refusePayment(`The order is ${status}.`) },
    "order.cancel": {
      to: [status],
      decide: refuse("ORDER_NOT_CANCELLABLE", `The order is ${status}.`),
    },
  }) satisfies Rows;

/** An order that has been paid, in any later status. */
const oncePaid = (status: "paid" | "shipped" | "delivered" | "delivery_failed" | "refunded") =>
  ({
    ...settled(status),
    ...noReturns(status),
    "order.pay": { to: [status], decide: refusePayment("The order has been paid.") },
    "order.cancel": {
      to: [status],
      decide: refuse("ORDER_NOT_CANCELLABLE", "The order has been paid."),
    },
    "payment.refunded": { to: [status, "refunded"], decide: refunded },
    "delivery.created": { to: [status], decide: noteCreated },
    "delivery.shipped": { to: [status], decide: noteShipped },
    "delivery.succeeded": { to: [status], decide: noteSucceeded },
  }) satisfies Partial<Rows>;

export const machine = defineMachine<OrderState, OrderMessage>({
  name: "order",
  final: finalStatuses,
  table: {
    none: {
      "order.place": { to: ["placed"], decide: place },
      "order.pay": notCreated,
      "order.cancel": notCreated,
      "order.expire": notCreated,
      "order.erase_customer": notCreated,
      "stock.reserved": notCreated,
      "stock.rejected": notCreated,
      "payment.pending": notCreated,
      "payment.processing": notCreated,
      "payment.captured": { to: ["none"], decide: refundUnknownOrder },
      "payment.failed": notCreated,
      "payment.expired": notCreated,
      "payment.refunded": notCreated,
      "delivery.created": notCreated,
      "delivery.shipped": notCreated,
      "delivery.succeeded": notCreated,
      "delivery.failed": notCreated,
      "delivery.cancelled": notCreated,
      "order.return": notCreated,
      "return.approved": notCreated,
      "return.refused": notCreated,
      "return.received": notCreated,
      "return.refunded": notCreated,
      "return.cancelled": notCreated,
      "return.expired": notCreated,
    },
    placed: {
      ...erasing("placed"),
      ...noDelivery,
      ...noReturns("placed"),
      "order.place": placedAlready,
      "order.pay": {
        to: ["placed"],
        decide: refusePayment("Its stock is still being held; try again shortly."),
      },
      "order.cancel": { to: ["cancelled"], decide: cancel },
      "order.expire": { to: ["expired"], decide: expire },
      "stock.reserved": { to: ["placed", "awaiting_payment", "paid"], decide: reserved },
      "stock.rejected": { to: ["placed", "rejected"], decide: rejected },
      "payment.pending": ignore("no payment is asked for before all stock is held"),
      "payment.processing": ignore("no payment is asked for before all stock is held"),
      "payment.captured": { to: ["placed"], decide: refundCapture },
      "payment.failed": ignore("no payment is asked for before all stock is held"),
      "payment.expired": ignore("no payment is asked for before all stock is held"),
      "payment.refunded": ignore("no payment is asked for before all stock is held"),
    },
    awaiting_payment: {
      ...settled("awaiting_payment"),
      ...noDelivery,
      ...noReturns("awaiting_payment"),
      "order.pay": { to: ["awaiting_payment"], decide: pay },
      "order.cancel": { to: ["cancelled"], decide: cancel },
      "order.expire": { to: ["expired"], decide: expire },
      "payment.processing": { to: ["awaiting_payment"], decide: processing },
      "payment.captured": { to: ["awaiting_payment", "paid"], decide: captured },
      "payment.failed": { to: ["awaiting_payment", "expired"], decide: attemptEndedInTime },
      "payment.expired": { to: ["awaiting_payment", "expired"], decide: attemptEndedInTime },
    },
    paid: {
      ...oncePaid("paid"),
      "delivery.shipped": { to: ["shipped"], decide: shipped },
      "delivery.succeeded": { to: ["delivered"], decide: delivered },
      "delivery.failed": { to: ["delivery_failed", "refunded"], decide: deliveryFailed },
      "delivery.cancelled": ignore("only a refunded order stops its delivery"),
    },
    shipped: {
      ...oncePaid("shipped"),
      "delivery.succeeded": { to: ["delivered"], decide: delivered },
      "delivery.failed": { to: ["delivery_failed", "refunded"], decide: deliveryFailed },
      "delivery.cancelled": ignore("only a refunded order stops its delivery"),
    },
    delivered: {
      ...oncePaid("delivered"),
      ...returning("delivered"),
      "order.return": { to: ["delivered"], decide: startReturn },
      "delivery.failed": ignore("it has arrived"),
      "delivery.cancelled": ignore("it has arrived"),
    },
    delivery_failed: {
      ...oncePaid("delivery_failed"),
      "delivery.failed": ignore("known already"),
      "delivery.cancelled": ignore("it has failed, its goods are back already"),
    },
    refunded: {
      ...oncePaid("refunded"),
      ...returning("refunded"),
      "payment.refunded": { to: ["refunded"], decide: refundNoted },
      "delivery.failed": { to: ["refunded"], decide: restockReturned("failed") },
      "delivery.cancelled": { to: ["refunded"], decide: restockReturned("cancelled") },
    },
    rejected: {
      ...endedUnpaid("rejected"),
      "stock.rejected": { to: ["rejected"], decide: noteRejectedLine },
    },
    cancelled: { ...endedUnpaid("cancelled"), "order.cancel": ignore("cancelled already") },
    expired: endedUnpaid("expired"),
  },
});

/** A key in the state identifies every message (generation, payment, refund, status), so none needs the inbox. */
export const orderActor = defineActor(orders, "order", {
  idempotentByKey: "all",
  maps: ["holds"],
  startedBy: ["order.place"],
  state: orderState,
  receive: machine.receive,
});

/** Given a state, when a message comes, then this is sent: the traps of the saga, one by one. */
import assert from "node:assert/strict";
import type { Decision } from "../../../broker/actor/define-actor.ts";
import type { DataIn } from "../../../broker/contract/contract.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import "../../../services/contracts.ts";
import { derivedV7 } from "../../../broker/contract/ids.ts";
import { id as idSchema } from "../../../broker/contract/schemas.ts";
import { MAX_ATTEMPTS } from "../../../services/orders/order/attempts.ts";
import type { OrderMessage } from "../../../services/orders/order/decision.ts";
import { machine, orderActor } from "../../../services/orders/order/order.actor.ts";
import { type OrderState, orderState } from "../../../services/orders/order/state.ts";
import { AT, message } from "../../support/actor-messages.ts";
import { deepFreeze } from "../../support/deep-freeze.ts";

const ID = "019b76da-a800-7000-8000-000000000001";
const CUSTOMER = "019b76da-a800-7000-8000-000000000002";
const PAYMENT = derivedV7(ID, "payment");
const SECOND = derivedV7(ID, "second");
const DELIVERY = derivedV7(ID, "delivery");
const usd = (amount: number) => ({ amount, currency: "USD" });
const EXPIRES = AT + 1_800_000;

const place: DataIn<"order.place"> = {
  number: "N1",
  customerId: CUSTOMER,
  lines: [
    { sku: "tea", name: "Tea", quantity: 2, unitPrice: usd(300), total: usd(600) },
    { sku: "cup", name: "Cup", quantity: 1, unitPrice: usd(900), total: usd(900) },
  ],
  total: usd(1_500),
  shippingAddress: { name: "Ada", line1: "1 Row", city: "Town", postalCode: "1", country: "GB" },
  payment: { provider: "sandbox" },
  paymentId: PAYMENT,
  deliveryId: DELIVERY,
  expiresAt: new Date(EXPIRES).toISOString(),
};

type Step = { [T in OrderMessage]: [T, DataIn<T>] }[OrderMessage];

function on(state: OrderState | null, [type, data]: Step): Decision<OrderState> {
  const decision = orderActor.receive(state, message(type, ID, data as never) as Message<OrderMessage>);
  if (decision.state) orderState.parse(deepFreeze(decision.state));
  return decision;
}

function given(...steps: Step[]): OrderState {
  let state: OrderState | null = null;
  for (const step of steps) state = on(state, step).state;
  assert.ok(state);
  return state;
}

const sent = ({ send = [] }: Decision<OrderState>) => send.map((it) => [it.type, it.subject] as const);
const payloads = ({ send = [] }: Decision<OrderState>, type: string) =>
  send.filter((it) => it.type === type).map((it) => it.data);

const placed: Step = ["order.place", place];
const teaHeld: Step = ["stock.reserved", { sku: "tea", quantity: 2, generation: 7 }];
const cupHeld: Step = ["stock.reserved", { sku: "cup", quantity: 1, generation: 3 }];
const cupOut: Step = ["stock.rejected", { sku: "cup", available: 0 }];
const pending: Step = [
  "payment.pending",
  { paymentId: PAYMENT, provider: "sandbox", nextAction: { type: "redirect", url: "https://pay.test/1" } },
];
const captured: Step = ["payment.captured", { paymentId: PAYMENT, amount: usd(1_500) }];
const payAgain: Step = ["order.pay", { paymentId: SECOND, payment: { provider: "sandbox" } }];
const cancel: Step = ["order.cancel", { by: CUSTOMER, reason: null }];
const expire: Step = ["order.expire", {}];
const awaiting = [placed, teaHeld, cupHeld, pending];
const paid = [...awaiting, captured];
const refunded = (amount: number, refundId = derivedV7(PAYMENT, "staff", amount)): Step => [
  "payment.refunded",
  { paymentId: PAYMENT, refundId, amount: usd(amount), full: false },
];
const shipped: Step = ["delivery.shipped", { deliveryId: DELIVERY, tracking: "T1" }];
const arrived: Step = ["delivery.succeeded", { deliveryId: DELIVERY }];
const lost: Step = ["delivery.failed", { deliveryId: DELIVERY, reason: "lost" }];

describe("an order", () => {
  it("asks for its stock when it is placed, and sets the time to pay", () => {
    const decision = on(null, placed);
    assert.equal(decision.state?.status, "placed");
    assert.deepEqual(sent(decision), [
      ["stock.reserve", "tea"],
      ["stock.reserve", "cup"],
      ["order.placed", ID],
    ]);
    assert.deepEqual(decision.timers, [
      { set: "expiry", message: { type: "order.expire", data: {} }, due: EXPIRES },
    ]);
  });

  it("is not placed twice by a repeated request", () => {
    const state = given(...paid);
    const again = on(state, placed);
    assert.equal(again.state, state);
    assert.deepEqual(sent(again), []);
  });

  it("asks for its payment when the last line is held, and not before", () => {
    const one = on(given(placed), teaHeld);
    assert.equal(one.state?.status, "placed");
    assert.deepEqual(sent(one), []);
    const both = on(one.state, cupHeld);
    assert.equal(both.state?.status, "awaiting_payment");
    assert.deepEqual(sent(both), [["payment.request", PAYMENT]]);
  });

  it("takes a redelivered reply for what it is, in any status", () => {
    for (const state of [
      given(placed, teaHeld),
      given(...awaiting),
      given(...paid),
      given(...awaiting, cancel),
    ]) {
      const again = on(state, teaHeld);
      assert.equal(again.state, state, state.status);
      assert.deepEqual(sent(again), [], state.status);
    }
  });

  it("releases a hold of a generation that it has not recorded", () => {
    const stray: Step = ["stock.reserved", { sku: "tea", quantity: 2, generation: 8 }];
    for (const state of [
      given(placed, teaHeld),
      given(...awaiting),
      given(...paid),
      given(...awaiting, expire),
    ]) {
      const decision = on(state, stray);
      assert.equal(decision.state, state, state.status);
      assert.deepEqual(payloads(decision, "stock.release"), [{ orderId: ID, generation: 8 }], state.status);
    }
  });

  it("ignores a late rejection of a line that is held", () => {
    const state = given(placed, cupHeld);
    assert.equal(on(state, cupOut).state, state);
  });

  it("ends rejected when a line can't be had, and releases the lines that are held", () => {
    const decision = on(given(placed, teaHeld), cupOut);
    assert.equal(decision.state?.status, "rejected");
    assert.deepEqual(sent(decision), [
      ["stock.release", "tea"],
      ["order.rejected", ID],
    ]);
    assert.deepEqual(decision.timers, [{ cancel: "expiry" }]);
  });

  it("releases a line that answers after the end, once", () => {
    for (const end of [cupOut, cancel, expire]) {
      const late = on(given(placed, end), teaHeld);
      assert.deepEqual(payloads(late, "stock.release"), [{ orderId: ID, generation: 7 }]);
      assert.deepEqual(sent(on(late.state, teaHeld)), []);
    }
  });

  it("becomes paid by a capture: sells its stock, asks for the delivery, tells what was bought", () => {
    const decision = on(given(...awaiting), captured);
    assert.equal(decision.state?.status, "paid");
    assert.deepEqual(sent(decision), [
      ["stock.commit", "tea"],
      ["stock.commit", "cup"],
      ["delivery.request", DELIVERY],
      ["order.paid", ID],
    ]);
    assert.deepEqual(payloads(decision, "stock.commit"), [
      { orderId: ID, generation: 7 },
      { orderId: ID, generation: 3 },
    ]);
    assert.deepEqual(decision.timers, [{ cancel: "expiry" }]);
  });

  it("becomes paid by a capture that overtakes the news that the payment is open", () => {
    const state = given(placed, teaHeld, cupHeld, captured);
    assert.equal(state.status, "paid");
    assert.equal(on(state, pending).state, state);
  });

  it("changes nothing when a capture is reported again", () => {
    for (const state of [given(...paid), given(...paid, shipped), given(...awaiting, cancel, captured)]) {
      const again = on(state, captured);
      assert.equal(again.state, state);
      assert.deepEqual(sent(again), []);
    }
  });

  it("gives the money back when the capture comes after the end, under an id that is always the same", () => {
    for (const end of [cancel, expire]) {
      const state = given(...awaiting, end);
      const decision = on(state, captured);
      assert.equal(decision.state?.status, state.status);
      assert.deepEqual(sent(decision), [["payment.refund", PAYMENT]]);
      const refunds = payloads(decision, "payment.refund");
      assert.deepEqual(refunds, payloads(on(state, captured), "payment.refund"));
      assert.ok(idSchema.safeParse((refunds[0] as { refundId: string }).refundId).success);
    }
  });

  it("stays payable after a failed attempt, and the next one calls the others off", () => {
    const failed = given(...awaiting, ["payment.failed", { paymentId: PAYMENT, reason: "declined" }]);
    assert.equal(failed.status, "awaiting_payment");
    const decision = on(failed, payAgain);
    assert.deepEqual(sent(decision), [
      ["payment.cancel", PAYMENT],
      ["payment.request", SECOND],
    ]);
    assert.equal(on(decision.state, payAgain).state, decision.state, "the same attempt again is no other");
  });

  it("gives back money for an order that is not there", () => {
    const decision = on(null, captured);
    assert.equal(decision.state, null);
    assert.deepEqual(sent(decision), [["payment.refund", PAYMENT]]);
  });

  it("is paid by an earlier attempt that was captured all the same, and refunds the later one", () => {
    const decision = on(given(...awaiting, payAgain), captured);
    assert.equal(decision.state?.paidBy, PAYMENT);
    assert.ok(sent(decision).some(([type, to]) => type === "payment.cancel" && to === SECOND));
    const second = on(decision.state, ["payment.captured", { paymentId: SECOND, amount: usd(1_500) }]);
    assert.deepEqual(sent(second), [["payment.refund", SECOND]]);
    assert.equal(second.state?.status, "paid");
  });

  it(`takes no more than ${MAX_ATTEMPTS} attempts`, () => {
    const again = (n: number): Step => [
      "order.pay",
      { paymentId: derivedV7(ID, n), payment: { provider: "sandbox" } },
    ];
    const many = given(...awaiting, ...Array.from({ length: MAX_ATTEMPTS - 1 }, (_, n) => again(n)));
    assert.equal(on(many, again(99)).refusal?.code, "ORDER_NOT_PAYABLE");
  });

  it("can be cancelled until it is paid: frees stock and calls the payment off", () => {
    assert.deepEqual(sent(on(given(...awaiting), cancel)), [
      ["stock.release", "tea"],
      ["stock.release", "cup"],
      ["payment.cancel", PAYMENT],
      ["order.cancelled", ID],
    ]);
    assert.deepEqual(sent(on(given(placed), cancel)), [["order.cancelled", ID]]);
    for (const state of [
      given(...paid),
      given(...paid, shipped),
      given(placed, cupOut),
      given(placed, expire),
    ])
      assert.equal(on(state, cancel).refusal?.code, "ORDER_NOT_CANCELLABLE", state.status);
    const cancelled = given(...awaiting, cancel);
    assert.equal(on(cancelled, cancel).refusal, undefined, "cancelling again is fine");
  });

  it("can't be paid again once it is paid or over", () => {
    for (const state of [
      given(...paid),
      given(placed, cupOut),
      given(...awaiting, cancel),
      given(...awaiting, expire),
    ])
      assert.equal(on(state, payAgain).refusal?.code, "ORDER_NOT_PAYABLE", state.status);
  });

  it("expires only while it is unpaid", () => {
    assert.equal(on(given(placed), expire).state?.status, "expired");
    assert.equal(on(given(...awaiting), expire).state?.status, "expired");
    const state = given(...paid);
    assert.equal(on(state, expire).state, state);
  });

  it("follows its delivery, also where its reports come in the wrong order", () => {
    const shippedOrder = on(given(...paid), shipped);
    assert.deepEqual(sent(shippedOrder), [["order.shipped", ID]]);
    const deliveredOrder = on(given(...paid), arrived);
    assert.equal(deliveredOrder.state?.status, "delivered");
    const late = on(deliveredOrder.state, shipped);
    assert.equal(late.state?.status, "delivered");
    assert.deepEqual(late.state?.delivery, { id: DELIVERY, status: "delivered", tracking: "T1" });
  });

  it("gives money and goods back when the delivery fails, and is refunded when the money is back", () => {
    const failed = on(given(...paid, shipped), lost);
    assert.equal(failed.state?.status, "delivery_failed");
    assert.deepEqual(sent(failed), [
      ["stock.restock", "tea"],
      ["stock.restock", "cup"],
      ["payment.refund", PAYMENT],
      ["order.delivery_failed", ID],
    ]);
    const back = on(failed.state, refunded(1_500));
    assert.equal(back.state?.status, "refunded");
    assert.deepEqual(payloads(back, "order.refunded"), [
      { number: "N1", customerId: CUSTOMER, amount: usd(1_500) },
    ]);
    assert.deepEqual(sent(on(back.state, lost)), [], "nothing is restocked twice");
  });

  it("counts a partial refund once, and is refunded when the parts make the whole", () => {
    const part = given(...paid, refunded(500), refunded(500));
    assert.equal(part.status, "paid");
    assert.equal(part.attempts[0]?.status, "partially_refunded");
    const whole = on(part, refunded(1_000));
    assert.equal(whole.state?.status, "refunded");
  });

  it("stops a delivery that has not left when all is refunded, and restocks when it is stopped", () => {
    const decision = on(given(...paid), refunded(1_500));
    assert.deepEqual(sent(decision), [
      ["delivery.cancel", DELIVERY],
      ["order.refunded", ID],
    ]);
    const stopped = on(decision.state, ["delivery.cancelled", { deliveryId: DELIVERY }]);
    assert.deepEqual(sent(stopped), [
      ["stock.restock", "tea"],
      ["stock.restock", "cup"],
    ]);
    assert.equal(stopped.state?.delivery?.status, "cancelled");
  });

  it("does not count goods back in that the customer has", () => {
    const decision = on(given(...paid, shipped, arrived), refunded(1_500));
    assert.equal(decision.state?.status, "refunded");
    assert.deepEqual(sent(decision), [["order.refunded", ID]]);
    assert.equal(decision.state?.restocked, false);
  });

  it("is not paid by money that was given back before its capture was heard of", () => {
    const decision = on(given(...awaiting, refunded(1_500)), captured);
    assert.equal(decision.state?.status, "awaiting_payment");
    assert.deepEqual(sent(decision), []);
  });

  it("has a row or a reason for every message in every status", () => {
    for (const [status, rows] of Object.entries(machine.table)) {
      assert.deepEqual(Object.keys(rows).sort(), [...orderActor.receives].sort(), status);
      for (const row of Object.values(rows))
        if ("ignore" in row) assert.ok(row.ignore.length > 5);
        else assert.ok(row.to.length > 0);
    }
  });
});

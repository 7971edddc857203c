import assert from "node:assert/strict";
import type { Decision } from "../../../broker/actor/define-actor.ts";
import type { DataIn } from "../../../broker/contract/contract.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import "../../../services/contracts.ts";
import {
  type DeliveryMessage,
  type DeliveryState,
  deliveryActor,
  deliveryState,
} from "../../../services/delivery/delivery.actor.ts";
import { message } from "../../support/actor-messages.ts";
import { deepFreeze } from "../../support/deep-freeze.ts";

const ID = "019b76da-a800-7000-8000-000000000001";
const ORDER = "019b76da-a800-7000-8000-000000000002";
const request: DataIn<"delivery.request"> = {
  orderId: ORDER,
  orderNumber: "N1",
  customerId: "019b76da-a800-7000-8000-000000000003",
  shippingAddress: { name: "Ada", line1: "1 Row", city: "Town", postalCode: "1", country: "GB" },
  items: [{ sku: "TEA-1", name: "Tea", quantity: 2 }],
};
const word = (status: "shipped" | "delivered" | "failed", tracking: string | null = null) => ({
  status,
  tracking,
  reason: null,
});

function on<T extends DeliveryMessage>(
  state: DeliveryState | null,
  type: T,
  data: DataIn<T>,
): Decision<DeliveryState> {
  const decision = deliveryActor.receive(state, message(type, ID, data) as Message<DeliveryMessage>);
  if (decision.state) deliveryState.parse(deepFreeze(decision.state));
  return decision;
}

function given(...words: DataIn<"delivery.update">[]): DeliveryState {
  let { state } = on(null, "delivery.request", request);
  for (const it of words) state = on(state, "delivery.update", it).state;
  assert.ok(state);
  return state;
}

const sent = ({ send = [] }: Decision<DeliveryState>) => send.map((it) => [it.type, it.subject, it.data]);

describe("a delivery", () => {
  it("is made ready once, however often it is asked for", () => {
    const first = on(null, "delivery.request", request);
    assert.equal(first.state?.status, "created");
    assert.deepEqual(sent(first), [["delivery.created", ORDER, { deliveryId: ID }]]);
    const second = on(first.state, "delivery.request", request);
    assert.equal(second.state, first.state);
    assert.deepEqual(sent(second), []);
  });

  it("is shipped with a tracking number and arrives", () => {
    const shipped = on(given(), "delivery.update", word("shipped", "T1"));
    assert.deepEqual(sent(shipped), [["delivery.shipped", ORDER, { deliveryId: ID, tracking: "T1" }]]);
    const delivered = on(shipped.state, "delivery.update", word("delivered"));
    assert.deepEqual(sent(delivered), [["delivery.succeeded", ORDER, { deliveryId: ID }]]);
    assert.equal(delivered.state?.tracking, "T1");
    assert.deepEqual(
      delivered.state?.history.map((it) => it.status),
      ["created", "shipped", "delivered"],
    );
  });

  it("takes the same word again as a success that changes nothing", () => {
    const shipped = given(word("shipped", "T1"));
    for (const again of [word("shipped", "T1"), word("shipped")]) {
      const decision = on(shipped, "delivery.update", again);
      assert.equal(decision.refusal, undefined);
      assert.equal(decision.state, shipped);
    }
  });

  it("refuses what can't be from where it is", () => {
    const cases: [DeliveryState, DataIn<"delivery.update">][] = [
      [given(), word("delivered")],
      [given(word("shipped", "T1")), word("shipped", "T2")],
      [given(word("shipped"), word("delivered")), word("failed")],
      [given(word("shipped"), word("delivered")), word("shipped")],
      [given(word("shipped"), word("failed")), word("delivered")],
    ];
    for (const [state, update] of cases) {
      const decision = on(state, "delivery.update", update);
      assert.equal(decision.refusal?.code, "DELIVERY_TRANSITION", `${state.status} → ${update.status}`);
      assert.equal(decision.state, state);
    }
  });

  it("fails with the carrier's reason", () => {
    const failed = on(given(word("shipped")), "delivery.update", {
      ...word("failed"),
      reason: "refused at the door",
    });
    assert.deepEqual(sent(failed), [
      ["delivery.failed", ORDER, { deliveryId: ID, reason: "refused at the door" }],
    ]);
  });

  it("is stopped while it has not left", () => {
    const cancelled = on(given(), "delivery.cancel", request);
    assert.deepEqual(sent(cancelled), [["delivery.cancelled", ORDER, { deliveryId: ID }]]);
    assert.equal(
      on(cancelled.state, "delivery.update", word("shipped")).refusal?.code,
      "DELIVERY_TRANSITION",
    );
  });

  it("goes on when the cancellation comes after it has left", () => {
    const shipped = given(word("shipped"));
    const decision = on(shipped, "delivery.cancel", request);
    assert.equal(decision.state, shipped);
    assert.deepEqual(sent(decision), []);
  });

  it("never starts when the cancellation has overtaken the request", () => {
    const cancelled = on(null, "delivery.cancel", request);
    assert.equal(cancelled.state?.status, "cancelled");
    const late = on(cancelled.state, "delivery.request", request);
    assert.equal(late.state, cancelled.state);
    assert.deepEqual(sent(late), []);
  });

  it("is not invented by a carrier's word", () => {
    assert.equal(on(null, "delivery.update", word("shipped")).state, null);
  });
});

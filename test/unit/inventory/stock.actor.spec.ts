import assert from "node:assert/strict";
import fc from "fast-check";
import type { Decision } from "../../../broker/actor/define-actor.ts";
import type { LoadedActor } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import { diff } from "../../../broker/actor/runtime/document/diff.ts";
import { fold } from "../../../broker/actor/runtime/document/fold.ts";
import { Inbox } from "../../../broker/actor/runtime/document/inbox.ts";
import type { DataIn } from "../../../broker/contract/contract.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import { newId } from "../../../broker/contract/ids.ts";
import "../../../services/contracts.ts";
import {
  available,
  newStock,
  type StockMessage,
  type StockState,
  stockActor,
  stockState,
} from "../../../services/inventory/stock.actor.ts";
import { message } from "../../support/actor-messages.ts";
import { deepFreeze } from "../../support/deep-freeze.ts";

const SKU = "TEA-1";
const order = (n: number) => `019b76da-a800-7000-8000-00000000000${n}`;

/** Applies a message and checks what must hold after each. */
function on<T extends StockMessage>(
  state: StockState | null,
  type: T,
  data: DataIn<T>,
): Decision<StockState> {
  const decision = stockActor.receive(state, message(type, SKU, data) as Message<StockMessage>);
  if (decision.state) {
    stockState.parse(deepFreeze(decision.state));
    const sum = Object.values(decision.state.holds).reduce((total, it) => total + it.quantity, 0);
    assert.equal(decision.state.held, sum);
  }
  return decision;
}

function given(...steps: [StockMessage, DataIn<StockMessage>][]): StockState {
  let state: StockState | null = null;
  for (const [type, data] of steps) state = on(state, type, data as DataIn<typeof type>).state;
  assert.ok(state);
  return state;
}

const sent = ({ send = [] }: Decision<StockState>) =>
  send.map(({ type, subject, data }) => ({ type, subject, data }));

describe("stock", () => {
  const five = newStock(5);

  it("holds units for an order and answers with the hold's generation", () => {
    const decision = on(five, "stock.reserve", { orderId: order(1), quantity: 2 });
    assert.deepEqual(decision.state?.holds, { [order(1)]: { quantity: 2, generation: 1 } });
    assert.deepEqual(sent(decision), [
      { type: "stock.reserved", subject: order(1), data: { sku: SKU, quantity: 2, generation: 1 } },
    ]);
  });

  it("gives an order that asks again the same answer and changes nothing", () => {
    const held = given(
      ["stock.create", { onHand: 5 }],
      ["stock.reserve", { orderId: order(1), quantity: 2 }],
    );
    const again = on(held, "stock.reserve", { orderId: order(1), quantity: 2 });
    assert.equal(again.state, held);
    assert.deepEqual(sent(again)[0]?.data, { sku: SKU, quantity: 2, generation: 1 });
  });

  it("rejects what it does not have, saying how many are left", () => {
    const decision = on(five, "stock.reserve", { orderId: order(1), quantity: 6 });
    assert.equal(decision.state, five);
    assert.deepEqual(sent(decision), [
      { type: "stock.rejected", subject: order(1), data: { sku: SKU, available: 5 } },
    ]);
  });

  it("rejects a SKU that nobody keeps stock of, without starting to keep it", () => {
    const decision = on(null, "stock.reserve", { orderId: order(1), quantity: 1 });
    assert.equal(decision.state, null);
    assert.deepEqual(sent(decision)[0]?.data, { sku: SKU, available: 0 });
  });

  it("sells a hold, tells the ledger, and forgets the hold", () => {
    const held = given(
      ["stock.create", { onHand: 5 }],
      ["stock.reserve", { orderId: order(1), quantity: 2 }],
    );
    const decision = on(held, "stock.commit", { orderId: order(1), generation: 1 });
    assert.equal(decision.state?.onHand, 3);
    assert.deepEqual(decision.state?.holds, {});
    assert.deepEqual(sent(decision), [
      {
        type: "stock.moved",
        subject: SKU,
        data: { delta: -2, onHand: 3, reason: "sold", orderId: order(1), by: null },
      },
    ]);
  });

  it("does not take stock twice for a late reserve and a late commit, both repeated", () => {
    const sold = given(
      ["stock.create", { onHand: 5 }],
      ["stock.reserve", { orderId: order(1), quantity: 2 }],
      ["stock.commit", { orderId: order(1), generation: 1 }],
    );
    const late = on(sold, "stock.reserve", { orderId: order(1), quantity: 2 });
    assert.deepEqual(sent(late)[0]?.data, { sku: SKU, quantity: 2, generation: 2 });
    const commit = on(late.state, "stock.commit", { orderId: order(1), generation: 1 });
    assert.equal(commit.state, late.state);
    const released = on(commit.state, "stock.release", { orderId: order(1), generation: 2 });
    assert.deepEqual([released.state?.onHand, released.state?.held], [3, 0]);
  });

  it("leaves a hold alone when the release of an earlier one comes late", () => {
    const held = given(
      ["stock.create", { onHand: 5 }],
      ["stock.reserve", { orderId: order(1), quantity: 2 }],
      ["stock.release", { orderId: order(1), generation: 1 }],
      ["stock.reserve", { orderId: order(1), quantity: 2 }],
    );
    assert.equal(on(held, "stock.release", { orderId: order(1), generation: 1 }).state, held);
  });

  it("refuses to take what is held for orders", () => {
    const held = given(
      ["stock.create", { onHand: 5 }],
      ["stock.reserve", { orderId: order(1), quantity: 4 }],
    );
    const refused = on(held, "stock.adjust", { delta: -2, reason: "broken", by: null });
    assert.equal(refused.refusal?.code, "INSUFFICIENT_STOCK");
    assert.equal(refused.state, held);
    assert.equal(on(held, "stock.adjust", { delta: -1, reason: "broken", by: null }).state?.onHand, 4);
  });

  it("refuses more units than its messages can tell of", () => {
    const full = given(["stock.create", { onHand: 1_000_000_000 }]);
    const decision = on(full, "stock.adjust", { delta: 1, reason: "found", by: null });
    assert.equal(decision.refusal?.code, "CONFLICT");
  });

  it("refuses to be created twice, and to be adjusted before", () => {
    assert.equal(on(five, "stock.create", { onHand: 1 }).refusal?.code, "SKU_TAKEN");
    assert.equal(
      on(null, "stock.adjust", { delta: 1, reason: "found", by: null }).refusal?.code,
      "NOT_FOUND",
    );
  });

  it("tells when nothing is available any more and when something is again, and only then", () => {
    const types = (decision: Decision<StockState>) => sent(decision).map((it) => it.type);
    const two = on(null, "stock.create", { onHand: 2 });
    assert.deepEqual(types(two), ["stock.moved", "stock.replenished"]);
    const one = on(two.state, "stock.reserve", { orderId: order(1), quantity: 1 });
    assert.deepEqual(types(one), ["stock.reserved"]);
    const none = on(one.state, "stock.reserve", { orderId: order(2), quantity: 1 });
    assert.deepEqual(types(none), ["stock.reserved", "stock.depleted"]);
    assert.equal(none.state?.revision, 2);
    const sold = on(none.state, "stock.commit", { orderId: order(1), generation: 1 });
    assert.deepEqual(types(sold), ["stock.moved"]);
    const back = on(sold.state, "stock.restock", { orderId: order(1), quantity: 1, reason: "returned" });
    assert.deepEqual(types(back), ["stock.moved", "stock.replenished"]);
    assert.equal(back.state?.revision, 3);
  });

  it("puts only restock and what people do through the inbox: the rest is known by its hold", () => {
    const keyed = new Set<string>(stockActor.idempotentByKey);
    assert.deepEqual(
      stockActor.receives.filter((it) => !keyed.has(it)),
      ["stock.create", "stock.adjust", "stock.restock"],
    );
  });

  it("agrees with a plain reckoning under any sequence of messages, right or wrong, repeated or late", () => {
    const orders = fc.integer({ min: 1, max: 4 }).map(order);
    const generation = fc.integer({ min: 1, max: 6 });
    const step = fc.oneof(
      fc.record({
        type: fc.constant("stock.reserve" as const),
        data: fc.record({ orderId: orders, quantity: fc.integer({ min: 1, max: 4 }) }),
      }),
      fc.record({
        type: fc.constant("stock.commit" as const),
        data: fc.record({ orderId: orders, generation }),
      }),
      fc.record({
        type: fc.constant("stock.release" as const),
        data: fc.record({ orderId: orders, generation }),
      }),
      fc.record({
        type: fc.constant("stock.adjust" as const),
        data: fc.record({
          delta: fc.constantFrom(-3, -1, 1, 4),
          reason: fc.constant("count"),
          by: fc.constant(null),
        }),
      }),
    );
    fc.assert(
      fc.property(fc.nat({ max: 8 }), fc.array(step, { maxLength: 60, size: "max" }), (onHand, steps) => {
        let state: StockState | null = deepFreeze(newStock(onHand));
        let expected = onHand;
        const closed = new Set<number>();
        for (const { type, data } of steps) {
          const before: StockState = state ?? newStock(0);
          const decision: Decision<StockState> = on(before, type, data as never);
          if (type === "stock.adjust" && !decision.refusal) expected += data.delta;
          if (type === "stock.commit" || type === "stock.release") {
            const hold = before.holds[data.orderId];
            const matches = hold?.generation === data.generation;
            if (matches) closed.add(data.generation);
            if (matches && type === "stock.commit") expected -= hold.quantity;
          }
          state = decision.state;
          assert.ok(state);
          assert.equal(state.onHand, expected);
          assert.ok(available(state) >= 0);
          for (const it of Object.values(state.holds))
            assert.ok(!closed.has(it.generation), "a closed hold is back");
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("costs the same per reservation however many holds are open, with its update", () => {
    const costAt = (open: number): number => {
      const holds = Array.from({ length: open }, (_, n) => [
        `order-${n}`,
        { quantity: 1, generation: n + 1 },
      ]);
      let document: LoadedActor<StockState> = {
        _id: SKU,
        version: 1,
        state: {
          ...newStock(10_000_000),
          held: open,
          holds: Object.fromEntries(holds),
          nextGeneration: open + 1,
        },
        inbox: Inbox.empty,
        outbox: [],
        timers: [],
        sent: 0,
        commit: "first",
      };
      const options = { definition: stockActor, id: SKU, at: 1, by: "node", answerId: () => "x" };
      const reserve = (count: number): number => {
        const started = process.cpuUsage();
        for (let n = 0; n < count; n++) {
          const wanted = message("stock.reserve", SKU, { orderId: newId(), quantity: 1 });
          const { next } = fold(document, [{ message: wanted }], { ...options, commit: `c${n}` });
          assert.ok(next);
          assert.equal(Object.keys(diff(document, next, stockActor.maps).$set).length, 6);
          document = { ...next, outbox: [] };
        }
        const { user, system } = process.cpuUsage(started);
        return user + system;
      };
      reserve(300);
      return Math.min(reserve(300), reserve(300), reserve(300));
    };
    // Copying two hundred times the holds for each would cost over a hundred times as much.
    assert.ok(costAt(20_000) < 10 * costAt(100));
  });
});

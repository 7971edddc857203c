import assert from "node:assert/strict";
import fc from "fast-check";
import type { LoadedActor } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import { diff } from "../../../broker/actor/runtime/document/diff.ts";
import { fold } from "../../../broker/actor/runtime/document/fold.ts";
import { Inbox } from "../../../broker/actor/runtime/document/inbox.ts";
import { given, type Situation } from "../../../broker/actor/testing/given.ts";
import { message, type Step } from "../../../broker/actor/testing/steps.ts";
import { newId } from "../../../broker/contract/ids.ts";
import "../../../services/contracts.ts";
import {
  available,
  newStock,
  type StockMessage,
  type StockState,
  stockActor,
} from "../../../services/inventory/stock.actor.ts";

const SKU = "TEA-1";
const order = (n: number) => `019b76da-a800-7000-8000-00000000000${n}`;
type StockStep = Step<StockMessage>;

const isSound = ({ holds, held }: StockState): void => {
  const sum = Object.values(holds).reduce((total, it) => total + it.quantity, 0);
  assert.equal(held, sum);
};
const stock = (...past: StockStep[]) => given(stockActor, past, { id: SKU, invariant: isSound });
const inStock = (onHand: number) => given(stockActor, newStock(onHand), { id: SKU, invariant: isSound });

const created = (onHand: number): StockStep => ["stock.create", { onHand }];
const reserve = (orderId: string, quantity: number): StockStep => ["stock.reserve", { orderId, quantity }];
const commit = (orderId: string, generation: number): StockStep => ["stock.commit", { orderId, generation }];
const release = (orderId: string, generation: number): StockStep => [
  "stock.release",
  { orderId, generation },
];
const adjust = (delta: number): StockStep => ["stock.adjust", { delta, reason: "broken", by: null }];
const reserved = (orderId: string, quantity: number, generation: number) =>
  ["stock.reserved", orderId, { sku: SKU, quantity, generation }] as const;

describe("stock", () => {
  it("holds units for an order and answers with the hold's generation", () => {
    const outcome = inStock(5).when(reserve(order(1), 2));
    outcome.then({ sends: [reserved(order(1), 2, 1)] });
    assert.deepEqual(outcome.state?.holds, { [order(1)]: { quantity: 2, generation: 1 } });
  });

  it("gives an order that asks again the same answer and changes nothing", () => {
    stock(created(5), reserve(order(1), 2))
      .when(reserve(order(1), 2))
      .then({ state: "unchanged", sends: [reserved(order(1), 2, 1)] });
  });

  it("rejects what it does not have, saying how many are left", () => {
    inStock(5)
      .when(reserve(order(1), 6))
      .then({ state: "unchanged", sends: [["stock.rejected", order(1), { sku: SKU, available: 5 }]] });
  });

  it("rejects a SKU that nobody keeps stock of, without starting to keep it", () => {
    stock()
      .when(reserve(order(1), 1))
      .then({ state: null, sends: [["stock.rejected", order(1), { sku: SKU, available: 0 }]] });
  });

  it("says that it is low once each time it falls to the threshold, not before and not again", () => {
    const configure = (lowAt: number | null): StockStep => ["stock.configure", { lowAt }];
    const low = (left: number, lowAt: number) => ["stock.low", SKU, { available: left, lowAt }] as const;
    const moved = "stock.moved" as const;
    stock(created(5), configure(2))
      .when(reserve(order(1), 2))
      .then({ state: { low: false }, sends: ["stock.reserved"] })
      .when(reserve(order(2), 1))
      .then({ state: { low: true }, sends: ["stock.reserved", low(2, 2)] })
      .when(reserve(order(3), 1))
      .then({ state: { low: true }, sends: ["stock.reserved"] })
      .when(commit(order(2), 2))
      .then({ state: { low: true }, sends: [moved] })
      .when(adjust(5))
      .then({ state: { low: false }, sends: [moved] })
      .when(adjust(-5))
      .then({ state: { low: true }, sends: [moved, low(1, 2)] });
    stock(created(5))
      .when(configure(5))
      .then({ state: { low: true }, sends: [low(5, 5)] });
    stock(created(5), configure(5)).when(configure(5)).thenNothing();
    stock(created(5), configure(5))
      .when(configure(null))
      .then({ state: { low: false, lowAt: null }, sends: [] })
      .when(adjust(-5))
      .then({ sends: [moved, "stock.depleted"] });
    stock().when(configure(1)).then({ state: null, refusal: "NOT_FOUND" });
  });

  it("sells a hold, tells the ledger, and forgets the hold", () => {
    const outcome = stock(created(5), reserve(order(1), 2)).when(commit(order(1), 1));
    const sold = { delta: -2, onHand: 3, reason: "sold", orderId: order(1), by: null };
    outcome.then({ state: { onHand: 3 }, sends: [["stock.moved", SKU, sold]] });
    assert.deepEqual(outcome.state?.holds, {});
  });

  it("does not take stock twice for a late reserve and a late commit, both repeated", () => {
    stock(created(5), reserve(order(1), 2), commit(order(1), 1))
      .when(reserve(order(1), 2))
      .then({ sends: [reserved(order(1), 2, 2)] })
      .when(commit(order(1), 1))
      .thenNothing()
      .when(release(order(1), 2))
      .then({ state: { onHand: 3, held: 0 } });
  });

  it("leaves a hold alone when the release of an earlier one comes late", () => {
    stock(created(5), reserve(order(1), 2), release(order(1), 1), reserve(order(1), 2))
      .when(release(order(1), 1))
      .then({ state: "unchanged" });
  });

  it("refuses to take what is held for orders", () => {
    const held = stock(created(5), reserve(order(1), 4));
    held.when(adjust(-2)).then({ refusal: "INSUFFICIENT_STOCK" });
    held.when(adjust(-1)).then({ state: { onHand: 4 } });
  });

  it("refuses more units than its messages can tell of", () => {
    stock(created(1_000_000_000)).when(adjust(1)).then({ refusal: "CONFLICT" });
  });

  it("refuses to be created twice, and to be adjusted before", () => {
    inStock(5).when(created(1)).then({ refusal: "SKU_TAKEN" });
    stock().when(adjust(1)).then({ refusal: "NOT_FOUND" });
  });

  it("tells when nothing is available any more and when something is again, and only then", () => {
    stock()
      .when(created(2))
      .then({ sends: ["stock.moved", "stock.replenished"] })
      .when(reserve(order(1), 1))
      .then({ sends: ["stock.reserved"] })
      .when(reserve(order(2), 1))
      .then({ state: { revision: 2 }, sends: ["stock.reserved", "stock.depleted"] })
      .when(commit(order(1), 1))
      .then({ sends: ["stock.moved"] })
      .when(["stock.restock", { orderId: order(1), quantity: 1, reason: "returned" }])
      .then({ state: { revision: 3 }, sends: ["stock.moved", "stock.replenished"] });
  });

  it("puts only restock and what people do through the inbox: the rest is known by its hold", () => {
    const keyed = new Set<string>(stockActor.idempotentByKey);
    assert.deepEqual(
      stockActor.receives.filter((it) => !keyed.has(it)),
      ["stock.restock", "stock.create", "stock.adjust", "stock.configure", "stock.count"],
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
        let now: Situation<StockState, StockMessage> = inStock(onHand);
        let expected = onHand;
        const closed = new Set<number>();
        for (const { type, data } of steps) {
          const before = now.state?.holds ?? {};
          const outcome = now.when([type, data] as StockStep);
          if (type === "stock.adjust" && !outcome.refusal) expected += data.delta;
          if (type === "stock.commit" || type === "stock.release") {
            const hold = before[data.orderId];
            const matches = hold?.generation === data.generation;
            if (matches) closed.add(data.generation);
            if (matches && type === "stock.commit") expected -= hold.quantity;
          }
          now = outcome;
          const { state } = outcome;
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

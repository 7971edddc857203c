/** The saga under random interleavings, duplicates, reorderings, late messages, cancels and expiry at any step. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { NONE } from "../../../broker/actor/state-machine.ts";
import { derivedV7 } from "../../../broker/contract/ids.ts";
import { machine } from "../../../services/orders/order/order.actor.ts";
import { isFree, mayStillCapture, type OrderState, wasPaid } from "../../../services/orders/order/state.ts";
import { kept, SagaWorld, uuid } from "./saga-world.ts";

const SKUS = ["a", "b", "c"] as const;
const ONCE_PAID = new Set(["paid", "shipped", "delivered", "delivery_failed", "refunded"]);

/** Numbers that steer a run: which kind of step comes next, and on what. They shrink to short, small runs. */
const tape = fc.array(fc.nat({ max: 0xffffff }), { minLength: 20, maxLength: 160, size: "max" });
const supply = fc.tuple(fc.nat({ max: 6 }), fc.nat({ max: 6 }), fc.nat({ max: 3 }));

const pick = <T>(from: readonly T[], n: number): T | undefined => from[n % Math.max(from.length, 1)];

function redeliverLate(world: SagaWorld, n: number): void {
  const late = pick(world.past, n);
  if (late) world.redeliver(late);
}

/** Kinds of steps; deliveries are the most frequent. */
const STEPS: ((world: SagaWorld, n: number) => void)[] = [
  ...Array.from(
    { length: 9 },
    () => (world: SagaWorld, n: number) => world.deliver(n % (world.pool.length || 1)),
  ),
  (world, n) => world.deliver(n % (world.pool.length || 1), true),
  redeliverLate,
  redeliverLate,
  (world, n) => {
    if (world.orders.length >= 6) return;
    const quantity = 1 + (n % 3);
    const first = n % SKUS.length;
    const skus = n & 8 ? [SKUS[first], SKUS[(first + 1) % SKUS.length]] : [SKUS[first]];
    world.place(
      skus.map((sku) => ({ sku: sku ?? "a", quantity })),
      n & 16 || n & 32 ? "sandbox" : "broken",
      n & 64 && n & 128 ? 0 : undefined,
    );
  },
  (world, n) => {
    const charge = pick([...world.charges.values()], n >> 3);
    const status = pick(
      [
        "captured",
        "captured",
        "captured",
        "processing",
        "processing",
        "failed",
        "failed",
        "expired",
      ] as const,
      n & 7,
    );
    if (charge && status) world.reportCharge(charge, status);
  },
  (world, n) => {
    const order = pick(world.orders, n);
    if (order && n & 0x100)
      world.inline("order", order[0], "order.cancel", { by: order[1].customerId, reason: null });
  },
  (world, n) => {
    const order = pick(world.orders, n);
    if (order && n & 0x100)
      world.inline("order", order[0], "order.pay", {
        paymentId: derivedV7(order[0], "attempt", n % 8),
        payment: { provider: "sandbox" },
      });
  },
  (world, n) => {
    const timer = pick([...world.timers.keys()], n);
    if (timer && n & 0x300) world.fireTimer(timer);
  },
  (world, n) => {
    const delivery = pick(world.deliveries, n);
    const status = pick(["shipped", "delivered", "failed"] as const, n >> 4);
    if (delivery && status)
      world.inline("delivery", delivery[0], "delivery.update", { status, tracking: null, reason: null });
  },
  (world, n) => {
    const payment = pick(world.payments, n);
    if (!payment) return;
    const amount = n & 0x100 ? { amount: 1 + (n % 700), currency: "USD" } : null;
    world.inline("payment", payment[0], "payment.refund", {
      refundId: uuid(0x8000 + (n % 32)),
      amount,
      reason: "staff",
    });
  },
  (world, n) => world.adjust(SKUS[n % 3] ?? "a", (n >> 4) % 5 || -3),
];

function run([a, b, c]: readonly [number, number, number], steps: readonly number[]): SagaWorld {
  // "c" may have no stock record at all.
  const world = new SagaWorld(c > 2 ? { a, b } : { a, b, c });
  for (const n of steps) {
    STEPS[n % STEPS.length]?.(world, Math.floor(n / STEPS.length));
    checkStocks(world);
  }
  return world;
}

/** Picks by the tape, so that the rest is delivered in an order that is random but told by it. */
function picker(steps: readonly number[]) {
  let turn = 0;
  return (size: number) => (steps[turn++ % steps.length] ?? 0) % size;
}

const checked = <T>(check: (world: SagaWorld) => T) =>
  fc.property(supply, tape, (stock, steps) => {
    const world = run(stock, steps);
    world.drain(picker(steps));
    check(world);
    for (const key of [...world.timers.keys()]) world.fireTimer(key);
    world.drain(picker(steps));
    check(world);
  });

function checkStocks(world: SagaWorld): void {
  for (const [sku, it] of world.stocks) {
    const held = Object.values(it.holds).reduce((sum, hold) => sum + hold.quantity, 0);
    assert.equal(it.held, held, `${sku}: held is the sum of the holds`);
    assert.ok(it.onHand >= it.held && it.held >= 0, `${sku}: never negative`);
  }
}

const isOpen = (it: OrderState) => it.status === "placed" || it.status === "awaiting_payment";
const quantityOf = (it: OrderState, sku: string) => it.lines.find((line) => line.sku === sku)?.quantity ?? 0;

describe("the saga", function () {
  this.timeout(60_000);
  const runs = { numRuns: Number(process.env.SAGA_RUNS ?? 400) };

  it("holds in stock exactly what open orders have recorded", () => {
    fc.assert(
      checked((world) => {
        const recorded = world.orders
          .filter(([, it]) => isOpen(it))
          .flatMap(([id, it]) =>
            Object.entries(it.holds).map(([sku, hold]) => [sku, id, hold, quantityOf(it, sku)] as const),
          )
          .map(
            ([sku, id, hold, quantity]) =>
              `${sku} ${id} ${"generation" in hold ? hold.generation : hold.status} ${quantity}`,
          );
        const held = world.stocks.flatMap(([sku, it]) =>
          Object.entries(it.holds).map(([id, hold]) => `${sku} ${id} ${hold.generation} ${hold.quantity}`),
        );
        assert.deepEqual(held.sort(), recorded.sort());
      }),
      runs,
    );
  });

  it("takes from stock exactly what was bought and has not come back, and the ledger says the same", () => {
    fc.assert(
      checked((world) => {
        for (const [sku, it] of world.stocks) {
          const sold = world.orders
            .filter(([, order]) => ONCE_PAID.has(order.status) && !order.restocked)
            .reduce((sum, [, order]) => sum + quantityOf(order, sku), 0);
          assert.equal(world.supplied(sku) - it.onHand, sold, `${sku}: supplied − on hand = sold`);
          const moved = (world.sent.get("stock.moved") ?? [])
            .filter((message) => message.subject === sku)
            .reduce((sum, message) => sum + (message.data as { delta: number }).delta, 0);
          assert.equal(
            moved,
            it.onHand - (world.supplied(sku) - (world.adjusted.get(sku) ?? 0)),
            `${sku}: ledger`,
          );
        }
      }),
      runs,
    );
  });

  it("tells the catalogue of each crossing of nothing available, in order, and the last says how it is", () => {
    fc.assert(
      checked((world) => {
        for (const [sku, it] of world.stocks) {
          const crossings = [
            ...(world.sent.get("stock.depleted") ?? []),
            ...(world.sent.get("stock.replenished") ?? []),
          ]
            .filter((message) => message.subject === sku)
            .map((message) => ({
              type: message.type,
              revision: (message.data as { revision: number }).revision,
            }))
            .sort((x, y) => x.revision - y.revision);
          assert.deepEqual(
            crossings.map((one) => one.revision),
            crossings.map((_, index) => index + 1),
          );
          for (const [index, one] of crossings.entries())
            assert.notEqual(one.type, crossings[index - 1]?.type, `${sku}: crossings alternate`);
          const last = crossings.at(-1);
          if (last) assert.equal(last.type === "stock.replenished", it.onHand > it.held);
        }
      }),
      runs,
    );
  });

  it("keeps exactly the money that the order says", () => {
    fc.assert(
      checked((world) => {
        for (const [id, order] of world.orders) {
          for (const attempt of order.attempts) {
            const charge = world.charges.get(attempt.id);
            if (attempt.id !== order.paidBy) {
              assert.equal(kept(charge), 0, `${id}: an attempt that did not pay keeps nothing`);
              continue;
            }
            const refunded = Object.values(attempt.refunds).reduce((a, b) => a + b, 0);
            assert.equal(kept(charge), order.total.amount - refunded);
            if (order.status === "refunded" || order.status === "delivery_failed")
              assert.equal(kept(charge), 0);
            else assert.ok(kept(charge) > 0, `${id} is ${order.status} and paid`);
          }
          assert.equal(order.paidBy !== null, ONCE_PAID.has(order.status) && !isFree(order));
        }
      }),
      runs,
    );
  });

  it("asks nobody for money where there is nothing to pay", () => {
    fc.assert(
      checked((world) => {
        const asked = new Set((world.sent.get("payment.request") ?? []).map((it) => it.subject));
        const back = new Set((world.sent.get("payment.refund") ?? []).map((it) => it.subject));
        for (const [id, order] of world.orders.filter(([, it]) => isFree(it)))
          for (const attempt of order.attempts)
            assert.ok(!asked.has(attempt.id) && !back.has(attempt.id), `${id} is free`);
      }),
      runs,
    );
  });

  it("gives a paid order's money back by itself only where the delivery failed", () => {
    fc.assert(
      checked((world) => {
        for (const [id, order] of world.orders) {
          const paying = order.attempts.find((it) => it.id === order.paidBy);
          if (paying && derivedV7(paying.id, "refund", id) in paying.refunds)
            assert.equal(order.delivery?.status, "failed");
        }
      }),
      runs,
    );
  });

  it("leaves nothing open at the provider but the latest attempt of an order that waits for its payment", () => {
    fc.assert(
      checked((world) => {
        for (const [id, order] of world.orders)
          for (const attempt of order.attempts) {
            if (order.status === "awaiting_payment" && attempt === order.attempts.at(-1)) continue;
            assert.notEqual(
              world.charges.get(attempt.id)?.status,
              "open",
              `${id}: called off at the provider`,
            );
            assert.ok(
              !mayStillCapture(attempt) && attempt.status !== "planned",
              `${id}: called off in the order`,
            );
          }
      }),
      runs,
    );
  });

  it("waits for money on its way: its stock stays held, and no other attempt is made", () => {
    let waited = 0;
    fc.assert(
      checked((world) => {
        for (const [id, order] of world.orders) {
          const slow = order.attempts.filter((it) => it.status === "processing");
          if (slow.length === 0) continue;
          waited++;
          assert.equal(order.status, "awaiting_payment", id);
          assert.deepEqual(slow, [order.attempts.at(-1)], `${id}: the latest attempt`);
          const paymentId = slow[0]?.id ?? "";
          const charge = world.charges.get(paymentId);
          // A report of failure may overtake that of money on its way. Then the provider is asked soon.
          const isAsked = charge?.declined && world.timers.has(`payment/${paymentId}/check`);
          assert.ok(charge?.status === "processing" || isAsked, `${id}: the provider's books`);
          assert.ok(
            Object.values(order.holds).every((it) => it.status === "held"),
            id,
          );
          assert.ok(
            (world.timers.get(`order/${id}/expiry`)?.due ?? 0) >= Date.parse(order.expiresAt),
            `${id}: not less than its time to pay`,
          );
        }
      }),
      runs,
    );
    assert.ok(waited > 0, "some have waited");
  });

  it("brings every order to an end, unless it waits for its customer or its carrier", () => {
    fc.assert(
      checked((world) => {
        for (const [id, order] of world.orders) {
          assert.notEqual(order.status, "placed", `${id}: all stock has answered`);
          assert.notEqual(order.status, "delivery_failed", `${id}: the money has come back`);
          if (order.status === "awaiting_payment")
            assert.ok(world.timers.has(`order/${id}/expiry`), `${id} waits no longer than it may be paid`);
          else assert.ok(!world.timers.has(`order/${id}/expiry`), `${id}: no timer is left`);
        }
      }),
      runs,
    );
  });

  it("asks for one delivery per paid order, and stops it or takes its goods back when the order is refunded", () => {
    fc.assert(
      checked((world) => {
        const paid = world.orders.filter(([, it]) => wasPaid(it));
        assert.deepEqual(world.deliveries.map(([, it]) => it.orderId).sort(), paid.map(([id]) => id).sort());
        for (const [, order] of paid) {
          const delivery = world.deliveries.find(([id]) => id === order.deliveryId)?.[1];
          assert.equal(order.delivery?.status, delivery?.status, "the order shows how far its delivery is");
          assert.equal(order.restocked, delivery?.status === "failed" || delivery?.status === "cancelled");
          if (order.status === "refunded")
            assert.notEqual(delivery?.status, "created", "nothing refunded leaves");
        }
      }),
      runs,
    );
  });

  it("leaves a history that is a path of the table", () => {
    const next = (from: string) =>
      new Set(
        Object.values(machine.table[from as keyof typeof machine.table]).flatMap((row) =>
          "to" in row ? row.to : [],
        ),
      );
    fc.assert(
      checked((world) => {
        for (const [, order] of world.orders) {
          let from: string = NONE;
          for (const { status } of order.history) {
            assert.ok(next(from).has(status), `${from} → ${status} is in the table`);
            from = status;
          }
          assert.equal(from, order.status);
        }
      }),
      runs,
    );
  });

  it("reaches every status", () => {
    const reached = new Set<string>();
    fc.assert(
      checked((world) => {
        for (const [, order] of world.orders) for (const { status } of order.history) reached.add(status);
      }),
      { numRuns: 1_000, seed: 1 },
    );
    assert.deepEqual(
      [...reached].sort(),
      Object.keys(machine.table)
        .filter((it) => it !== NONE)
        .sort(),
    );
  });
});

import assert from "node:assert/strict";
import { tableOf } from "./check.ts";
import { checkAll } from "./checks.ts";
import { soundEvidence } from "./sound-evidence.ts";

type Evidence = ReturnType<typeof soundEvidence>;
const [OPEN, DONE, BACK] = [0, 1, 2];

const failuresAfter = (tamper: (evidence: Evidence) => void) => {
  const evidence = soundEvidence();
  tamper(evidence);
  return checkAll(evidence).flatMap(({ name, failures }) => failures.map((it) => `${name}: ${it}`));
};

describe("the checks after chaos", () => {
  it("find nothing where all is well", () => {
    assert.deepEqual(
      failuresAfter(() => undefined),
      [],
    );
  });

  const orderAt = ({ snapshot }: Evidence, n: number) => snapshot.orders[n]!.state;
  const cases: Record<string, [tamper: (evidence: Evidence) => void, found: RegExp]> = {
    "an order that was answered and is lost": [
      ({ journal }) => journal.checkouts.push({ key: "k", scenario: "pays", answers: ["order-lost"] }),
      /order order-lost \(key k\) was answered and is not there/,
    ],
    "an order that goes no further": [
      (it) => {
        orderAt(it, OPEN).status = "placed";
        orderAt(it, OPEN).history.pop();
      },
      /order order-open is still placed/,
    ],
    "two orders of one key": [
      ({ journal }) => journal.checkouts[0]!.answers.push("order-gone"),
      /key done was answered with order-done and order-gone/,
    ],
    "two orders of one cart": [
      ({ journal }) => journal.tabs.push(["open", "done"]),
      /one cart has become the orders order-open and order-done/,
    ],
    "a customer with too many open orders": [
      ({ snapshot }) => {
        for (let n = 0; n < 3; n++)
          snapshot.orders.push({ ...snapshot.orders[OPEN]!, _id: `order-open-${n}` });
      },
      /customer customer has 4 open orders/,
    ],
    "an order that nobody's key has asked for": [
      ({ snapshot }) => snapshot.keys.pop(),
      /order order-gone has 0 keys/,
    ],
    "a cancellation that was accepted and did not happen": [
      ({ journal }) =>
        journal.promises.push({ orderId: "order-done", what: "cancelled", through: ["cancelled"] }),
      /order order-done was answered to be cancelled, and went placed → .* → delivered/,
    ],
    "an answer out of place": [
      ({ journal }) => journal.surprises.push("place an order: 418 {}"),
      /no answer but those of the contract: place an order: 418/,
    ],
    "units that left and were not sold": [
      ({ snapshot }) => snapshot.stock[0]!.state.onHand--,
      /PLENTY-1: 10 at the start, 7 on hand, 2 sold by orders/,
    ],
    "a sale that the ledger has twice": [
      ({ snapshot }) => snapshot.ledger.push({ ...snapshot.ledger[1]!, _id: "entry-5" }),
      /ledger entry entry-5: order order-done sold PLENTY-1, -2, which the order does not know, or twice/,
    ],
    "a sale that the ledger has not": [
      ({ snapshot }) => snapshot.ledger.splice(1, 1),
      /order order-done sold PLENTY-1 \(-2\), which is not in the ledger/,
    ],
    "a hold for an order that is over": [
      ({ snapshot }) => {
        snapshot.stock[0]!.state.holds["order-gone"] = { quantity: 1, generation: 4 };
        snapshot.stock[0]!.state.held++;
      },
      /PLENTY-1 for order order-gone: 1 \(generation 4\) held, the order has no hold/,
    ],
    "an open order without its hold": [
      ({ snapshot }) => {
        snapshot.stock[0]!.state.holds = {};
        snapshot.stock[0]!.state.held = 0;
      },
      /PLENTY-1 for order order-open: the order has 2 \(generation 1\), stock holds nothing/,
    ],
    "more held than there is": [
      ({ snapshot }) => (snapshot.stock[0]!.state.onHand = 1),
      /PLENTY-1: 2 held of 1/,
    ],
    "a moment with less than nothing": [
      ({ sampler }) => sampler.faults.push("PLENTY-1: -1 on hand"),
      /stock is never negative, at no time: PLENTY-1: -1 on hand/,
    ],
    "a paid order whose money is gone": [
      (it) => (orderAt(it, DONE).attempts[0]!.refunds = { r: 2_500 }),
      /order order-done is delivered, should have kept 2500, and says 0/,
    ],
    "a refunded order whose money the provider still has": [
      ({ snapshot }) => (snapshot.sandbox[BACK]!.refunded = 0),
      /order order-back is refunded, should have kept 0, and the provider has 2500/,
    ],
    "two captures that are both kept": [
      (it) => orderAt(it, DONE).attempts.push({ ...orderAt(it, DONE).attempts[0]!, id: "other" }),
      /order order-done keeps 2 captures/,
    ],
    "a payment that the provider knows otherwise": [
      ({ snapshot }) => (snapshot.sandbox[DONE]!.status = "failed"),
      /payment payment-done: 0 taken at the provider, 2500 known/,
    ],
    "a wrong amount that nobody was told of": [
      ({ snapshot }) =>
        (snapshot.sandbox[OPEN] = {
          ...snapshot.sandbox[OPEN]!,
          status: "captured",
          decision: { eventId: "e", at: new Date(), amount: 1, receipt: null, reason: null },
        }),
      /payment payment-open is no anomaly/,
    ],
    "a step that the order's machine does not have": [
      (it) => orderAt(it, DONE).history.splice(2, 1),
      /order order-done went awaiting_payment → /,
    ],
    "a history that ends elsewhere": [
      (it) => orderAt(it, DONE).history.pop(),
      /order order-done is delivered, its history ends with shipped/,
    ],
    "a paid order that does not ship": [
      ({ snapshot }) => snapshot.deliveries.shift(),
      /order order-done is delivered, and has no delivery/,
    ],
    "a delivery of an order that was never paid": [
      ({ snapshot }) => snapshot.deliveries.push({ ...snapshot.deliveries[0]!, _id: "delivery-open" }),
      /order order-open is awaiting_payment, and has a delivery/,
    ],
    "a delivery that is somewhere else": [
      ({ snapshot }) => {
        snapshot.deliveries[0]!.state.status = "shipped";
        snapshot.deliveries[0]!.state.history.pop();
      },
      /order order-done is delivered, its delivery is shipped/,
    ],
    "a dead message": [
      ({ snapshot }) => snapshot.dead.push({ queue: "chaos.stock.2", id: "m" }),
      /message m is dead in chaos.stock.2/,
    ],
    "a poisoned message that was swallowed": [
      ({ snapshot }) => snapshot.dead.pop(),
      /poisoned message poison is in no dead queue/,
    ],
    "a message left in a queue": [
      ({ snapshot }) => (snapshot.waiting = new Map([["chaos.order.3", 1]])),
      /1 in chaos.order.3/,
    ],
    "a message that was never sent": [
      ({ snapshot }) => snapshot.outboxes.push("souk_orders.orders/order-done"),
      /souk_orders.orders\/order-done has messages in its outbox/,
    ],
    "a timer that did not fire": [
      ({ snapshot }) => snapshot.dueTimers.push("souk_orders.orders/order-open"),
      /souk_orders.orders\/order-open has a timer that has not fired/,
    ],
    "a gap in a sequence": [
      ({ recorder }) => recorder.seen.get("order/order-done")?.delete(2),
      /order\/order-done sent 3, not seen: 2/,
    ],
    "a message of a commit that is not there": [
      ({ recorder }) => recorder.seen.get("order/order-done")?.add(4),
      /order\/order-done sent 3, more were seen/,
    ],
    "messages of an actor that is not there": [
      ({ recorder }) => recorder.seen.set("order/order-lost", new Set([1])),
      /order\/order-lost is no actor/,
    ],
    "what is still under way": [({ settled }) => settled.left.push("1 outboxes"), /came to rest: 1 outboxes/],
    "a process that gave up": [
      ({ crashes }) => crashes.push("orders-1 (7) ended by itself: 1"),
      /orders-1 \(7\) ended by itself/,
    ],
  };
  for (const [what, [tamper, found]] of Object.entries(cases))
    it(`find ${what}`, () => {
      assert.match(failuresAfter(tamper).join("\n"), found);
    });

  it("show in a table what failed, with the ids below it", () => {
    const evidence = soundEvidence();
    evidence.snapshot.dead.push({ queue: "chaos.stock.2", id: "m" });
    const table = tableOf(checkAll(evidence));
    assert.match(table, /dead queues hold what was put there on purpose .* FAILED \(1\)/);
    assert.match(table, /one Idempotency-Key is one order .* ok/);
    assert.match(table, /:\n {2}message m is dead in chaos.stock.2$/);
  });
});

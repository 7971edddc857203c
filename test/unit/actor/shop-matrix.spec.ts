/** The crash matrix over the actors and workers of an order; what they have to do is support/matrix/shop-script.ts. */
import assert from "node:assert/strict";
import { crashMatrix } from "../../../souk/testing/matrix/crash-matrix.ts";
import type { FinalState } from "../../../souk/testing/matrix/final-state.ts";
import { shopOf } from "./support/matrix/matrices.ts";
import { ENDS, LABELS, nameIds, play, STOCK } from "./support/matrix/shop-script.ts";
import { shopWorld } from "./support/matrix/shop-world.ts";

/** What is bought for good of each SKU. */
const SOLD = { PLENTY: 8, LAST: 0, ONE: 0, GIFT: 1 };

describe("The shop, killed anywhere", function () {
  this.timeout(240_000);
  crashMatrix({
    shop: shopOf("actor/shop-matrix"),
    world: shopWorld,
    async play(run) {
      return nameIds(run, await play(run));
    },
    check: checkEnds,
    outboxes: ["outbox of /payments"],
    texts: [
      // Each run's own port.
      [/http:\/\/127\.0\.0\.1:\d+/g, "the shop"],
      // The sandbox's, Stripe's and Xendit's ids.
      [/[A-Za-z0-9_-]{43}|\b(?:pi|ch|evt|ewc)_[A-Za-z0-9]{16,}|\b[a-z0-9]{24}\b/g, "ref"],
    ],
  });
});

function checkEnds(state: FinalState): void {
  const documents = <S>(name: string) => state[name] as { _id: string; state: S }[];
  const orders = new Map(
    documents<{ status: string }>("orders.orders").map((it) => [it._id, it.state.status]),
  );
  const payments = documents<{ status: string; orderId: string }>("payments.payments");
  for (const label of LABELS) {
    const ofOrder = payments.filter((it) => it.state.orderId === label).map((it) => it.state.status);
    assert.deepEqual({ order: orders.get(label), payments: ofOrder.sort() }, ENDS[label], label);
  }
  for (const { _id, state: stock } of documents<{ onHand: number; held: number }>("inventory.stock")) {
    const sku = _id as keyof typeof STOCK;
    assert.deepEqual([stock.onHand, stock.held], [STOCK[sku] - SOLD[sku], 0], sku);
  }
}

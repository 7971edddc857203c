/** Reviews, killed anywhere: a purchase is recorded, a review is counted, and its author is forgotten, once. */
import assert from "node:assert/strict";
import { errorCode } from "../../../broker/contract/errors.ts";
import { derivedV7 } from "../../../broker/contract/ids.ts";
import { crashMatrix } from "../../../souk/testing/matrix/crash-matrix.ts";
import { killedBy, shopOf } from "../actor/support/matrix/matrices.ts";

const BASE = "019b76da-a800-7000-8000-000000000001";
const [ANN, BOB, ORDER] = ["Ann", "Bob", "order"].map((it) => derivedV7(BASE, it)) as [
  string,
  string,
  string,
];
const STAFF = {
  id: derivedV7(BASE, "staff"),
  roles: ["customer", "staff"],
  scopes: ["catalogue:write", "reviews:write"],
} as const;
const price = { amount: 500, currency: "USD" };

describe("Reviews, killed anywhere", function () {
  this.timeout(120_000);
  crashMatrix({
    shop: shopOf("reviews/crash-matrix", ["inventory", "products", "users"]),
    only: killedBy("reviews/crash-matrix"),
    outboxes: ["outbox of /reviews"],
    async play(run) {
      const product = { name: "Tea", variants: [{ sku: "TEA", price }] };
      const { id } = await run.call("products.create", product, { user: STAFF, idempotencyKey: "product" });
      await run.rest();
      run.points.armed = true;
      const line = { sku: "TEA", name: "Tea", productId: id, quantity: 1, unitPrice: price, total: price };
      const bought = { number: "N1", customerId: BOB, lines: [line], total: price };
      run.send("order.delivered", ORDER, bought);
      await run.rest();
      for (const [customer, rating] of [
        [ANN, 4],
        [BOB, 2],
      ] as const) {
        const user = { id: customer, roles: ["customer"] } as const;
        await run.call("reviews.create", { id, rating }, { user }).catch((error: unknown) => {
          // Its first answer was lost with its node.
          if (errorCode(error) !== "REVIEW_EXISTS") throw error;
        });
        const own = await run.call("reviews.listOfProduct", { id, mine: true }, { user });
        for (const it of own.items)
          await run.call("reviews.moderate", { id: it.id, status: "published" }, { user: STAFF });
      }
      await run.rest();
      run.send("user.erased", ANN, { userId: ANN });
      await run.rest();
      run.messages.releaseCopies();
      await run.rest();
      return new Map([ANN, BOB, ORDER].map((it) => [it, it]));
    },
    check(state) {
      const [rating] = state["reviews.ratings"] as { histogram: number[] }[];
      assert.deepEqual(rating?.histogram, [0, 1, 0, 1, 0]);
    },
  });
});

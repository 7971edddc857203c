import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { CRASH_POINTS } from "../../../broker/actor/runtime/crash-points.ts";
import { seeded } from "../../../broker/actor/testing/seeded.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { SimShop } from "./support/sim-shop.ts";

const SKUS = ["a", "b", "c"];
const UNITS = 12;
const ORDERS = 12;
const TROUBLE = { duplicates: 0.3, reordering: 0.3, nacks: 0.05, storeFailures: 0.05 };
const CALM = { duplicates: 0, reordering: 0, nacks: 0, storeFailures: 0 };

/** Places orders and cancels some, at random nodes, like clients: the same id again after a failure. */
async function trade(shop: SimShop, seed: number): Promise<void> {
  const random = seeded(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const alive = () => shop.nodes.filter((it) => !it.life.isDead);
  const retried = async (action: () => Promise<unknown>): Promise<void> => {
    for (;;) {
      const done = action().then(
        () => true,
        (error: { type?: string }) => {
          if (error.type === "UNAVAILABLE") return false;
          if (error.type === "ORDER_NOT_CANCELLABLE" || error.type === "NOT_FOUND") return true;
          throw error;
        },
      );
      // A call to a crashed node never returns. Then a client asks another one.
      if (await Promise.race([done, sleep(400, false)])) return;
    }
  };
  await Promise.all(
    Array.from({ length: ORDERS }, async () => {
      const id = newId();
      const placing = newId();
      const lines = { [pick(SKUS)]: 1 + Math.floor(random() * 3), [pick(SKUS)]: 1 };
      const ttlMs = random() < 0.2 ? 5 : 60_000;
      await sleep(random() * 20);
      await retried(() => pick(alive()).orders.apply(id, "toy.place", { lines, ttlMs }, { id: placing }));
      if (random() < 0.3) {
        const cancelling = newId();
        await retried(() => pick(alive()).orders.apply(id, "toy.cancel", {}, { id: cancelling }));
      }
    }),
  );
}

async function stocked(shop: SimShop): Promise<Record<string, number>> {
  const creating = SKUS.map((sku) => ({ sku, id: newId() }));
  await Promise.all(
    creating.map(({ sku, id }) => shop.nodes[0]!.stock.apply(sku, "toy.create", { onHand: UNITS }, { id })),
  );
  return Object.fromEntries(SKUS.map((sku) => [sku, UNITS]));
}

describe("Two nodes that compete for everything", function () {
  this.timeout(120_000);

  it("account for every unit under duplicates, reordering, nacks and database failures", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1 }), async (seed) => {
        const shop = new SimShop(seed, TROUBLE);
        await shop.start();
        await shop.start();
        const onHand = await stocked(shop);
        await trade(shop, seed);
        await shop.rest(ORDERS);
        shop.check(onHand);
        assert.deepEqual(shop.broker.buried, []);
        await shop.close();
      }),
      { numRuns: 12 },
    );
  });

  it("lose nothing when one freezes with commits under way, is taken for dead and wakes up", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1 }), fc.nat({ max: 30 }), async (seed, after) => {
        const shop = new SimShop(seed, { ...TROUBLE, nacks: 0 });
        await shop.start();
        const second = await shop.start();
        const onHand = await stocked(shop);
        const trading = trade(shop, seed);
        await sleep(after);
        const seats = shop.broker.seatsOf(second.life);
        second.life.freeze();
        shop.broker.lose(second.life);
        await sleep(60);
        second.life.thaw();
        shop.broker.rejoin(seats);
        await trading;
        await shop.rest(ORDERS);
        shop.check(onHand);
        await shop.close();
      }),
      { numRuns: 10 },
    );
  });

  for (const point of CRASH_POINTS)
    it(`lose nothing when one dies ${point}`, async () => {
      let crashes = 0;
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1 }), fc.nat({ max: 25 }), async (seed, nth) => {
          const shop = new SimShop(seed, { ...CALM, duplicates: 0.2, reordering: 0.2 });
          await shop.start();
          const onHand = await stocked(shop);
          let count = 0;
          await shop.start((life) => async (at) => {
            if (at !== point || count++ !== nth) return;
            crashes++;
            void shop.crash({ life });
            await new Promise<never>(() => undefined);
          });
          await trade(shop, seed);
          await shop.rest(ORDERS);
          shop.check(onHand);
          await shop.close();
        }),
        { numRuns: 6 },
      );
      assert.ok(crashes > 0, "no run has reached the crash");
    });
});

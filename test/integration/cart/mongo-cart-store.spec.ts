import assert from "node:assert/strict";
import { newId } from "../../../broker/contract/ids.ts";
import migration from "../../../services/cart/migrations/0001-indexes.ts";
import { CARTS, mongoCartStore } from "../../../services/cart/mongo-cart-store.ts";
import { movableClock } from "../../../souk/testing/movable-clock.ts";
import { type MemoryDatabase, openMemoryDatabase } from "../../support/servers/memory-database.ts";
import { cartStoreConformance, linesOf, type StoreUnderTest } from "./store-conformance.ts";

// Long, because the store expires carts by its own clock, while ours stands still.
const TTL = 86_400_000;

describe("carts in MongoDB", () => {
  const clock = movableClock();
  let connection: MemoryDatabase;
  let stores: StoreUnderTest;

  before(async () => {
    connection = await openMemoryDatabase();
    const database = connection.service("cart");
    await migration.up(database, () => Promise.resolve());
    const make = () => mongoCartStore({ database, clock, ttl: TTL });
    stores = { store: make(), other: make() };
  });
  after(async () => {
    await connection.close();
  });

  cartStoreConformance(() => stores);

  const line = { sku: "A", quantity: 1, seen: { amount: 500, currency: "USD" }, addedAt: 1 };

  it("forgets a cart that was not changed for its time, before MongoDB has removed it", async () => {
    const owner = { user: newId() };
    await stores.store.setLine(owner, line);
    clock.advance(TTL - 1);
    await stores.store.setLine(owner, { ...line, sku: "B" });
    clock.advance(TTL - 1);
    assert.equal((await stores.store.read(owner)).lines.length, 2);
    clock.advance(1);
    assert.deepEqual((await stores.store.read(owner)).lines, []);
    assert.equal(await stores.store.removeLine(owner, "A"), null);
    assert.deepEqual(linesOf(await stores.store.setLine(owner, { ...line, sku: "C" })), [
      { ...line, sku: "C" },
    ]);
  });

  it("remembers orders of an expired cart, and does not bring its lines back", async () => {
    const owner = { user: newId() };
    const order = newId();
    await stores.store.setLine(owner, line);
    clock.advance(TTL);
    await stores.store.dropBought(owner, order, [{ sku: "other", quantity: 1 }]);
    assert.deepEqual((await stores.store.read(owner)).lines, []);
  });

  it("counts the revisions of a cart on above those of one that has expired", async () => {
    const owner = { user: newId() };
    await stores.store.setLine(owner, line);
    const { revision } = await stores.store.read(owner);
    clock.advance(TTL);
    assert.equal((await stores.store.read(owner)).revision, 0);
    await new Promise((resolve) => setTimeout(resolve, 2));
    await stores.store.setLine(owner, line);
    assert.ok((await stores.store.read(owner)).revision > revision);
  });

  it("keeps what a newer version has written beside what it knows", async () => {
    const [user, guest] = [newId(), newId()];
    await stores.store.setLine({ user }, { ...line, quantity: 3 });
    const carts = connection.service("cart").collection<{
      _id: string;
      note: string;
      lines: Record<string, { quantity: number; engraving?: string }>;
    }>(CARTS);
    await carts.updateOne({ _id: `u:${user}` }, { $set: { note: "a gift", "lines.A.engraving": "Ann" } });
    await stores.other.setLine({ user }, { ...line, quantity: 5 });
    await stores.other.dropBought({ user }, newId(), [{ sku: "A", quantity: 1 }]);
    await stores.other.setLine({ guest }, { ...line, sku: "B" });
    await stores.other.merge(guest, user);
    const { note, lines } = (await carts.findOne({ _id: `u:${user}` })) ?? {};
    assert.equal(note, "a gift");
    assert.deepEqual(
      Object.entries(lines ?? {}).map(([sku, it]) => [sku, it.quantity, it.engraving]),
      [
        ["A", 4, "Ann"],
        ["B", 1, undefined],
      ],
    );
  });

  it("does not merge a guest's cart that has expired", async () => {
    const [user, guest] = [newId(), newId()];
    await stores.store.setLine({ guest }, line);
    clock.advance(TTL);
    await stores.store.merge(guest, user);
    assert.deepEqual((await stores.store.read({ user })).lines, []);
  });

  it("finishes a merge that a crash has left half done, whoever comes next", async () => {
    for (const next of ["the user", "the guest"]) {
      const [user, guest] = [newId(), newId()];
      await stores.store.setLine({ guest }, line);
      const carts = connection.service("cart").collection<{ _id: string }>(CARTS);
      await carts.updateOne({ _id: `g:${guest}` }, { $set: { into: user } });
      assert.deepEqual((await stores.store.read({ guest })).lines, []);
      if (next === "the user") await stores.store.merge(guest, user);
      else
        assert.deepEqual(linesOf(await stores.store.setLine({ guest }, { ...line, sku: "B" })), [
          { ...line, sku: "B" },
        ]);
      assert.deepEqual((await stores.store.read({ user })).lines, [line]);
    }
  });
});

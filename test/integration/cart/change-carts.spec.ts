import assert from "node:assert/strict";
import { MongoNetworkError } from "mongodb";
import { newId } from "../../../broker/contract/ids.ts";
import { isTransient } from "../../../broker/resilience/retry.ts";
import type { CartDocument } from "../../../services/cart/cart-document.ts";
import type { CartLine, CartStore } from "../../../services/cart/cart-store.ts";
import { type CartCollection, CartDocuments } from "../../../services/cart/change-carts.ts";
import { CARTS, cartStoreOn } from "../../../services/cart/mongo-cart-store.ts";
import { movableClock } from "../../../souk/testing/movable-clock.ts";
import { type MemoryDatabase, openMemoryDatabase } from "../../support/servers/memory-database.ts";
import { linesOf } from "./store-conformance.ts";

const line = (sku: string, quantity = 1): CartLine => ({
  sku,
  quantity,
  seen: { amount: 500, currency: "USD" },
  addedAt: 1_000,
});

/** The carts' collection as one node uses it. It counts commands, and a test steps in after each write. */
class Watched implements CartCollection {
  readonly #carts: CartCollection;
  writes = 0;
  /** Documents in these writes. */
  written = 0;
  reads = 0;
  /** Called once, after the next write was done and before its answer. */
  afterWrite: (() => Promise<void>) | undefined;

  constructor(carts: CartCollection) {
    this.#carts = carts;
  }

  find(...args: Parameters<CartCollection["find"]>) {
    this.reads++;
    return this.#carts.find(...args);
  }

  async bulkWrite(...args: Parameters<CartCollection["bulkWrite"]>) {
    this.writes++;
    this.written += args[0].length;
    const result = await this.#carts.bulkWrite(...args);
    const step = this.afterWrite;
    this.afterWrite = undefined;
    await step?.();
    return result;
  }

  deleteOne(...args: Parameters<CartCollection["deleteOne"]>) {
    return this.#carts.deleteOne(...args);
  }
}

describe("changes of carts in MongoDB", () => {
  const clock = movableClock();
  const ttl = 86_400_000;
  let connection: MemoryDatabase;
  let here: Watched;
  let store: CartStore;
  let other: CartStore;

  const collection = () => {
    const database = connection.service("cart");
    return database.getClient().db(database.name).collection<CartDocument>(CARTS);
  };

  before(async () => {
    connection = await openMemoryDatabase();
  });
  beforeEach(() => {
    here = new Watched(collection());
    store = cartStoreOn(new CartDocuments({ carts: here, clock, ttl }));
    other = cartStoreOn(new CartDocuments({ carts: collection(), clock, ttl }));
  });
  after(() => connection.close());

  const quantities = async (owner: { user: string } | { guest: string }) =>
    Object.fromEntries((await other.read(owner)).lines.map((it) => [it.sku, it.quantity]));

  it("go out together, and need no read where this node knows the cart", async () => {
    const owners = Array.from({ length: 30 }, () => ({ user: newId() }));
    await Promise.all(owners.map((it) => store.setLine(it, line("A"))));
    assert.ok(here.writes <= 2, `${here.writes} writes of 30 new carts`);
    assert.ok(here.reads <= 2, `${here.reads} reads of 30 new carts`);
    [here.writes, here.reads] = [0, 0];
    await Promise.all(owners.map((it) => store.setLine(it, line("B"))));
    assert.deepEqual([here.writes, here.reads], [1, 0]);
    await Promise.all(owners.map((it) => store.read(it)));
    assert.equal(here.reads, 1);
    for (const it of owners) assert.deepEqual(await quantities(it), { A: 1, B: 1 });
  });

  it("of one cart are one write where they wait together, and each is applied", async () => {
    const owner = { user: newId() };
    const first = store.setLine(owner, line("S0"));
    const skus = Array.from({ length: 20 }, (_, n) => `S${n + 1}`);
    const more = [...skus.map((sku) => store.setLine(owner, line(sku))), store.removeLine(owner, "S3")];
    assert.equal(linesOf(await first).length, 1);
    const answers = await Promise.all(more);
    assert.equal(here.writes, 2);
    const now = await other.read(owner);
    assert.equal(now.lines.length, 20);
    assert.ok(!now.lines.some((it) => it.sku === "S3"));
    for (const it of answers) assert.deepEqual(it, now);
  });

  it("never build on what this node remembers and another has changed", async () => {
    const owner = { user: newId() };
    await store.setLine(owner, line("A"));
    await store.setLine(owner, line("B"));
    await other.removeLine(owner, "A");
    await other.setLine(owner, line("C", 7));
    await store.setLine(owner, line("D"));
    assert.deepEqual(await quantities(owner), { B: 1, C: 7, D: 1 });
    await other.setLine(owner, line("D", 3));
    // As this node remembers it, there is nothing to change.
    await store.setLine(owner, line("D", 1));
    assert.deepEqual(await quantities(owner), { B: 1, C: 7, D: 1 });
    await other.removeLine(owner, "C");
    assert.equal(await store.removeLine(owner, "C"), null);
    await other.clear(owner);
    assert.equal(await store.removeLine(owner, "B"), null);
  });

  it("find a line that only another node knows", async () => {
    const owner = { user: newId() };
    await store.setLine(owner, line("A"));
    await other.setLine(owner, line("B"));
    assert.deepEqual((await store.removeLine(owner, "B"))?.lines, [line("A")]);
  });

  it("don't bring back a cart that was merged elsewhere, though its successor counts the same", async () => {
    const [guest, user] = [newId(), newId()];
    await store.setLine({ guest }, line("OLD"));
    await other.merge(guest, user);
    await other.setLine({ guest }, line("NEW"));
    await store.setLine({ guest }, line("MORE"));
    assert.deepEqual(await quantities({ guest }), { NEW: 1, MORE: 1 });
    assert.deepEqual(await quantities({ user }), { OLD: 1 });
  });

  it("know which of a group was not written, and do only that one again", async () => {
    const owners = Array.from({ length: 10 }, () => ({ user: newId() }));
    await Promise.all(owners.map((it) => store.setLine(it, line("A"))));
    const behind = owners[3] as { user: string };
    await other.setLine(behind, line("B"));
    const before = await Promise.all(owners.map((it) => other.read(it)));
    here.written = 0;
    const after = await Promise.all(owners.map((it) => store.setLine(it, line("A", 5))));
    assert.equal(here.written, owners.length + 1);
    for (const [at, it] of owners.entries()) {
      const [old, now] = [before[at], after[at]];
      assert.ok(old && now && now !== "full");
      assert.equal(now.revision, old.revision + 1);
      assert.deepEqual(await other.read(it), now);
      assert.equal(now.lines.length, it === behind ? 2 : 1);
    }
  });

  describe("that another node's write follows at once, so that the stored cart names that one", () => {
    /** A write of this node whose group has a miss, so that nothing tells whose write took. */
    async function followed<T>(
      owner: { user: string },
      change: () => Promise<T>,
      follow: () => Promise<unknown>,
    ): Promise<T> {
      const missing = { user: newId() };
      await store.setLine(missing, line("A"));
      await other.setLine(missing, line("B"));
      await store.read(owner);
      here.afterWrite = async () => void (await follow());
      const [result] = await Promise.all([change(), store.setLine(missing, line("C"))]);
      return result;
    }

    it("say that a line was removed", async () => {
      const owner = { user: newId() };
      await store.setLine(owner, line("A"));
      await store.setLine(owner, line("B"));
      const left = await followed(
        owner,
        () => store.removeLine(owner, "A"),
        () => other.setLine(owner, line("B", 9)),
      );
      assert.deepEqual(left?.lines, [line("B", 9)]);
    });

    it("leave a line as they set it", async () => {
      const owner = { user: newId() };
      await store.setLine(owner, line("A"));
      const set = await followed(
        owner,
        () => store.setLine(owner, line("A", 2)),
        () => other.setLine(owner, line("B")),
      );
      assert.deepEqual(await other.read(owner), set);
      assert.deepEqual(await quantities(owner), { A: 2, B: 1 });
    });

    it("take what was bought out once", async () => {
      const owner = { user: newId() };
      const [first, second] = [newId(), newId()];
      const drop = (it: CartStore, order: string) => it.dropBought(owner, order, [{ sku: "A", quantity: 2 }]);
      await store.setLine(owner, line("A", 10));
      await followed(
        owner,
        () => drop(store, first),
        () => drop(other, second),
      );
      assert.deepEqual(await quantities(owner), { A: 6 });
    });

    it("merge a guest's cart once", async () => {
      const [owner, guest] = [{ user: newId() }, newId()];
      await store.setLine(owner, line("A"));
      await other.setLine({ guest }, line("A", 2));
      await followed(
        owner,
        () => store.merge(guest, owner.user),
        () => other.merge(guest, owner.user),
      );
      assert.deepEqual(await quantities(owner), { A: 3 });
      assert.deepEqual(await quantities({ guest }), {});
    });
  });

  it("whose answer is lost fail, and count once when they are tried again", async () => {
    const owner = { user: newId() };
    const order = newId();
    await store.setLine(owner, line("A", 5));
    const lost = () => {
      here.afterWrite = async () => {
        throw new MongoNetworkError("the connection is lost");
      };
    };
    const drop = () => store.dropBought(owner, order, [{ sku: "A", quantity: 2 }]);
    lost();
    await assert.rejects(drop(), (error) => isTransient(error));
    await drop();
    assert.deepEqual(await quantities(owner), { A: 3 });
    lost();
    await assert.rejects(store.removeLine(owner, "A"), (error) => isTransient(error));
    await store.setLine(owner, line("B"));
    assert.deepEqual(await quantities(owner), { B: 1 });
  });

  it("that wait for a cart whose write fails are made after it", async () => {
    const owner = { user: newId() };
    await store.setLine(owner, line("A"));
    here.afterWrite = async () => {
      throw new MongoNetworkError("the connection is lost");
    };
    const results = await Promise.allSettled([
      store.setLine(owner, line("B")),
      store.setLine(owner, line("C")),
    ]);
    assert.deepEqual(
      results.map((it) => it.status),
      ["rejected", "fulfilled"],
    );
    // The failed one was done. Nobody knew.
    assert.deepEqual(await quantities(owner), { A: 1, B: 1, C: 1 });
  });

  describe("where nobody else writes carts", () => {
    let alone: CartStore;
    beforeEach(() => {
      alone = cartStoreOn(new CartDocuments({ carts: here, clock, ttl, isSoleWriter: true }));
    });

    it("are read from memory, as they are stored", async () => {
      const [owner, guest] = [{ user: newId() }, { guest: newId() }];
      const steps: (() => Promise<unknown>)[] = [
        () => alone.setLine(owner, line("A", 3)),
        () => alone.setLine(owner, line("B")),
        () => alone.removeLine(owner, "B"),
        () => alone.dropBought(owner, newId(), [{ sku: "A", quantity: 1 }]),
        () => alone.setLine(guest, line("C")),
        () => alone.merge(guest.guest, owner.user),
        () => alone.setLine(guest, line("D")),
        () => alone.clear(owner),
      ];
      for (const step of steps) {
        await step();
        const [mine, theirs] = await Promise.all([alone.read(owner), alone.read(guest)]);
        assert.deepEqual([mine, theirs], [await other.read(owner), await other.read(guest)]);
      }
      here.reads = 0;
      await Promise.all([alone.read(owner), alone.read(guest), alone.removeLine(owner, "gone")]);
      assert.equal(here.reads, 0);
    });

    it("are read from the database after a write whose outcome nobody knows", async () => {
      const owner = { user: newId() };
      await alone.setLine(owner, line("A"));
      here.afterWrite = async () => {
        throw new MongoNetworkError("the connection is lost");
      };
      const failing = alone.setLine(owner, line("A", 2));
      const reading = alone.read(owner);
      await assert.rejects(failing, (error) => isTransient(error));
      assert.deepEqual((await reading).lines, [line("A", 2)]);
    });

    it("have expired there in time, and not earlier", async () => {
      const owner = { user: newId() };
      await alone.setLine(owner, line("A"));
      clock.advance(ttl - 1);
      assert.equal((await alone.read(owner)).lines.length, 1);
      clock.advance(1);
      assert.deepEqual(await alone.read(owner), { revision: 0, lines: [] });
      await collection().deleteOne({ _id: `u:${owner.user}` });
      assert.deepEqual(linesOf(await alone.setLine(owner, line("B"))), [line("B")]);
      assert.deepEqual(await alone.read(owner), await other.read(owner));
    });
  });
});

/** The behaviour of every cart store. */
import assert from "node:assert/strict";
import { newId } from "../../../broker/contract/ids.ts";
import {
  type Cart,
  type CartLine,
  type CartLines,
  type CartStore,
  MAX_LINES,
  MAX_QUANTITY,
} from "../../../services/cart/cart-store.ts";

const usd = (amount: number) => ({ amount, currency: "USD" });
const line = (sku: string, quantity = 1, addedAt = 1_000): CartLine => ({
  sku,
  quantity,
  seen: usd(500),
  addedAt,
});
export function linesOf(cart: Cart | "full" | null): CartLines {
  assert.ok(typeof cart === "object" && cart, `a cart, not ${cart}`);
  return cart.lines;
}
const quantities = (lines: CartLines) => Object.fromEntries(lines.map((it) => [it.sku, it.quantity]));
const revisionOf = (cart: Cart | "full" | null): number => {
  assert.ok(typeof cart === "object" && cart, `a cart, not ${cart}`);
  return cart.revision;
};

export interface StoreUnderTest {
  store: CartStore;
  /** A second one on the same data, as another node has it. */
  other: CartStore;
}

/** @param stores set up in a `before` of the caller */
export function cartStoreConformance(stores: () => StoreUnderTest): void {
  const user = () => ({ user: newId() });
  const guest = () => ({ guest: newId() });
  const store = () => stores().store;

  it("has no lines for a cart that does not exist", async () => {
    assert.deepEqual((await store().read(user())).lines, []);
    assert.equal(await store().removeLine(user(), "A"), null);
    await store().clear(guest());
  });

  it("puts lines in, and keeps all that it was told, in the order of their coming", async () => {
    const owner = user();
    assert.deepEqual(linesOf(await store().setLine(owner, line("B", 2, 1_000))), [line("B", 2, 1_000)]);
    const both = [line("B", 2, 1_000), line("A", 1, 2_000)];
    assert.deepEqual(linesOf(await store().setLine(owner, line("A", 1, 2_000))), both);
    assert.deepEqual((await store().read(owner)).lines, both);
    assert.deepEqual((await stores().other.read(owner)).lines, both);
  });

  it("takes number-like and other odd SKUs as what they are", async () => {
    const owner = user();
    const skus = ["9", "10", "constructor", "toString", "a-b_c", "A", "a"];
    for (const [at, sku] of skus.entries()) await store().setLine(owner, line(sku, 1, at));
    assert.deepEqual(
      (await store().read(owner)).lines.map((it) => it.sku),
      skus,
    );
    assert.equal((await store().removeLine(owner, "constructor"))?.lines.length, skus.length - 1);
  });

  it("replaces quantity and price of a line, and leaves its place", async () => {
    const owner = user();
    await store().setLine(owner, line("A", 1, 1_000));
    await store().setLine(owner, line("B", 1, 2_000));
    const changed = { ...line("A", 7, 3_000), seen: { amount: 450, currency: "EUR" } };
    assert.deepEqual(linesOf(await store().setLine(owner, changed)), [
      { ...changed, addedAt: 1_000 },
      line("B", 1, 2_000),
    ]);
  });

  it("removes a line, and says when there was none", async () => {
    const owner = guest();
    await store().setLine(owner, line("A"));
    await store().setLine(owner, line("B"));
    assert.deepEqual(quantities(linesOf(await store().removeLine(owner, "A"))), { B: 1 });
    assert.equal(await store().removeLine(owner, "A"), null);
    assert.deepEqual(linesOf(await store().removeLine(owner, "B")), []);
  });

  it("clears all lines, and takes new ones after that", async () => {
    const owner = user();
    await store().setLine(owner, line("A"));
    await store().clear(owner);
    assert.deepEqual((await store().read(owner)).lines, []);
    assert.deepEqual(quantities(linesOf(await store().setLine(owner, line("B")))), { B: 1 });
  });

  it("keeps users and guests of one id apart", async () => {
    const id = newId();
    await store().setLine({ user: id }, line("A"));
    assert.deepEqual((await store().read({ guest: id })).lines, []);
    await store().setLine({ guest: id }, line("B"));
    assert.deepEqual(quantities((await store().read({ user: id })).lines), { A: 1 });
  });

  it(`holds ${MAX_LINES} lines and no more, also when many come at once`, async () => {
    const owner = user();
    const results = await Promise.all(
      Array.from({ length: MAX_LINES + 5 }, (_, n) =>
        (n % 2 ? store() : stores().other).setLine(owner, line(`S${n}`)),
      ),
    );
    assert.equal(results.filter((it) => it === "full").length, 5);
    const { lines } = await store().read(owner);
    assert.equal(lines.length, MAX_LINES);
    assert.equal(await store().setLine(owner, line("one-more")), "full");
    const present = lines[0]?.sku ?? "";
    assert.equal(quantities(linesOf(await store().setLine(owner, line(present, 5))))[present], 5);
    await store().removeLine(owner, present);
    assert.notEqual(await store().setLine(owner, line("one-more")), "full");
  });

  it("loses no line of those that come at once, from several nodes", async () => {
    const owner = guest();
    const skus = Array.from({ length: 20 }, (_, n) => `S${n}`);
    await Promise.all(
      skus.map((sku, n) => (n % 2 ? store() : stores().other).setLine(owner, line(sku, 1, n))),
    );
    assert.deepEqual(
      (await store().read(owner)).lines.map((it) => it.sku),
      skus,
    );
  });

  describe("the revision", () => {
    const now = async (owner: { user: string } | { guest: string }) => {
      const [here, there] = [await store().read(owner), await stores().other.read(owner)];
      assert.equal(here.revision, there.revision);
      return here.revision;
    };

    it("is a larger one after each change of the lines", async () => {
      const owner = user();
      assert.equal(await now(owner), 0);
      const bought = () => [{ sku: "B", quantity: 1 }];
      const changes: [string, () => Promise<unknown>][] = [
        ["a line", () => store().setLine(owner, line("A", 1))],
        ["another line", () => stores().other.setLine(owner, line("B", 2))],
        ["a quantity", () => store().setLine(owner, line("A", 2))],
        ["a price", () => store().setLine(owner, { ...line("A", 2), seen: usd(499) })],
        ["a purchase", () => stores().other.dropBought(owner, newId(), bought())],
        ["a line less", () => store().removeLine(owner, "B")],
        ["all lines gone", () => store().clear(owner)],
        ["a line again", () => store().setLine(owner, line("A", 1))],
      ];
      let last = await now(owner);
      for (const [what, change] of changes) {
        await change();
        const next = await now(owner);
        assert.ok(Number.isSafeInteger(next) && next > last, what);
        last = next;
      }
    });

    it("is the one that a change was answered with", async () => {
      const owner = user();
      assert.equal(revisionOf(await store().setLine(owner, line("A"))), await now(owner));
      assert.equal(revisionOf(await store().setLine(owner, line("A", 7))), await now(owner));
      await store().setLine(owner, line("B"));
      assert.equal(revisionOf(await store().removeLine(owner, "A")), await now(owner));
    });

    it("stays when nothing changes", async () => {
      const owner = user();
      const order = newId();
      await store().setLine(owner, line("A", 2));
      await store().dropBought(owner, order, [{ sku: "A", quantity: 1 }]);
      const before = await now(owner);
      const set = await stores().other.setLine(owner, { ...line("A", 1), addedAt: 9_999 });
      assert.equal(revisionOf(set), before);
      await store().removeLine(owner, "B");
      await stores().other.dropBought(owner, order, [{ sku: "A", quantity: 1 }]);
      await store().dropBought(owner, newId(), [{ sku: "other", quantity: 1 }]);
      assert.equal(await now(owner), before);
      await store().clear(owner);
      const empty = await now(owner);
      await store().clear(owner);
      await store().dropBought(owner, newId(), [{ sku: "A", quantity: 1 }]);
      assert.equal(await now(owner), empty);
      assert.ok(revisionOf(await stores().other.setLine(owner, line("A", 1))) > empty);
    });

    it("changes when a guest's cart comes in", async () => {
      const [owner, visitor] = [user(), guest()];
      await store().setLine(owner, line("A"));
      await store().setLine(visitor, line("B"));
      const before = await now(owner);
      await store().merge(visitor.guest, owner.user);
      assert.ok((await now(owner)) > before);
    });
  });

  describe("dropping what was bought", () => {
    it("takes lines out, and leaves what was raised since and what was not bought", async () => {
      const owner = user();
      for (const it of [line("A", 3), line("B", 2), line("C", 1)]) await store().setLine(owner, it);
      await store().dropBought(owner, newId(), [
        { sku: "A", quantity: 1 },
        { sku: "B", quantity: 2 },
        { sku: "gone", quantity: 9 },
      ]);
      assert.deepEqual(quantities((await store().read(owner)).lines), { A: 2, C: 1 });
    });

    it("happens once per order, from whichever nodes", async () => {
      const owner = user();
      await store().setLine(owner, line("A", 10));
      const [first, second] = [newId(), newId()];
      const drop = (it: CartStore, order: string) => it.dropBought(owner, order, [{ sku: "A", quantity: 2 }]);
      await Promise.all([
        drop(store(), first),
        drop(stores().other, first),
        drop(store(), second),
        drop(stores().other, second),
        drop(store(), first),
      ]);
      await drop(stores().other, first);
      assert.deepEqual(quantities((await store().read(owner)).lines), { A: 6 });
    });

    it("is remembered where there is no cart, so that a repeat spares a later one", async () => {
      const owner = user();
      const order = newId();
      await store().dropBought(owner, order, [{ sku: "A", quantity: 1 }]);
      await store().setLine(owner, line("A"));
      await store().dropBought(owner, order, [{ sku: "A", quantity: 1 }]);
      assert.deepEqual(quantities((await store().read(owner)).lines), { A: 1 });
    });

    it("sees what another node has written", async () => {
      const owner = user();
      await store().setLine(owner, line("A", 1));
      await stores().other.setLine(owner, line("A", 5));
      await stores().other.setLine(owner, line("B", 1));
      await store().dropBought(owner, newId(), [{ sku: "A", quantity: 1 }]);
      assert.deepEqual(quantities((await store().read(owner)).lines), { A: 4, B: 1 });
    });
  });

  describe("merging a guest's cart", () => {
    it("adds quantities up to the limit, and leaves no guest's cart", async () => {
      const [owner, visitor] = [user(), guest()];
      await store().setLine(owner, line("A", 2, 1_000));
      await store().setLine(owner, line("B", MAX_QUANTITY - 1, 2_000));
      await store().setLine(visitor, { ...line("A", 3, 3_000), seen: usd(1) });
      await store().setLine(visitor, line("B", 5, 4_000));
      await store().setLine(visitor, line("C", 1, 5_000));
      await store().merge(visitor.guest, owner.user);
      assert.deepEqual((await store().read(owner)).lines, [
        line("A", 5, 1_000),
        line("B", MAX_QUANTITY, 2_000),
        line("C", 1, 5_000),
      ]);
      assert.deepEqual((await store().read(visitor)).lines, []);
    });

    it("happens once when many try at once", async () => {
      const [owner, visitor] = [user(), guest()];
      await store().setLine(owner, line("A", 1));
      await store().setLine(visitor, line("A", 1));
      await Promise.all(
        [store(), stores().other, store(), stores().other].map((it) => it.merge(visitor.guest, owner.user)),
      );
      await store().merge(visitor.guest, owner.user);
      assert.deepEqual(quantities((await store().read(owner)).lines), { A: 2 });
    });

    it("gives it to one of two users", async () => {
      const [one, two, visitor] = [user(), user(), guest()];
      await store().setLine(visitor, line("A", 1));
      await Promise.all([
        store().merge(visitor.guest, one.user),
        stores().other.merge(visitor.guest, two.user),
      ]);
      const lines = [...(await store().read(one)).lines, ...(await store().read(two)).lines];
      assert.deepEqual(quantities(lines), { A: 1 });
    });

    it("works again for a later cart of the same guest", async () => {
      const [owner, visitor] = [user(), guest()];
      for (const sku of ["A", "B"]) {
        await store().setLine(visitor, line(sku));
        await store().merge(visitor.guest, owner.user);
      }
      assert.deepEqual(quantities((await store().read(owner)).lines), { A: 1, B: 1 });
    });

    it("loses nothing that the guest puts in meanwhile", async () => {
      const [owner, visitor] = [user(), guest()];
      await store().setLine(visitor, line("A", 1));
      await Promise.all([
        store().merge(visitor.guest, owner.user),
        stores().other.setLine(visitor, line("B", 1)),
        store().setLine(visitor, line("C", 1)),
      ]);
      await store().merge(visitor.guest, owner.user);
      assert.deepEqual(quantities((await store().read(owner)).lines), { A: 1, B: 1, C: 1 });
    });

    it(`stops at ${MAX_LINES} lines, keeping the user's own`, async () => {
      const [owner, visitor] = [user(), guest()];
      for (let n = 0; n < MAX_LINES - 1; n++) await store().setLine(owner, line(`U${n}`));
      for (let n = 0; n < 3; n++) await store().setLine(visitor, line(`G${n}`, 1, n));
      await store().merge(visitor.guest, owner.user);
      const skus = (await store().read(owner)).lines.map((it) => it.sku);
      assert.equal(skus.length, MAX_LINES);
      assert.deepEqual(
        skus.filter((it) => it.startsWith("G")),
        ["G0"],
      );
    });
  });
}

import assert from "node:assert/strict";
import fc from "fast-check";
import "../../../services/contracts.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { cartView } from "../../../services/cart/cart.contract.ts";
import {
  type CartLine,
  MAX_LINES,
  MAX_QUANTITY,
  mergeLines,
  withoutBought,
} from "../../../services/cart/cart-store.ts";
import { viewCart } from "../../../services/cart/cart-view.ts";

const id = newId();
const usd = (amount: number) => ({ amount, currency: "USD" });
const line = (sku: string, quantity = 1, seen = usd(500)): CartLine => ({ sku, quantity, seen, addedAt: 1 });
const product = {
  productId: newId(),
  slug: "lamp",
  options: { Colour: "brass" },
  image: "https://x.test/1.jpg",
};
const offer = (sku: string, price = usd(500)) => ({ ...product, sku, name: `Name of ${sku}`, price });

describe("the view of a cart", () => {
  it("has names and prices of now, line totals and their sum", () => {
    const view = viewCart(
      id,
      { revision: 7, lines: [line("A", 2), line("B", 3, usd(100))] },
      {
        variants: [offer("B", usd(100)), offer("A")],
        available: [
          { sku: "A", available: 2 },
          { sku: "B", available: 50 },
        ],
      },
      "EUR",
    );
    cartView.parse(view);
    assert.deepEqual(view, {
      id,
      revision: 7,
      lines: [
        { ...product, sku: "A", name: "Name of A", quantity: 2, unitPrice: usd(500), total: usd(1_000) },
        { ...product, sku: "B", name: "Name of B", quantity: 3, unitPrice: usd(100), total: usd(300) },
      ],
      total: usd(1_300),
      notices: [],
    });
  });

  it("is in the shop's currency when it is empty", () => {
    assert.deepEqual(viewCart(id, { revision: 0, lines: [] }, { variants: [], available: [] }, "EUR").total, {
      amount: 0,
      currency: "EUR",
    });
  });

  it("lists what is gone, or sold in another currency, as a notice and nowhere else", () => {
    const view = viewCart(
      id,
      { revision: 1, lines: [line("A"), line("gone"), line("euro", 1, { amount: 5, currency: "EUR" })] },
      {
        variants: [offer("A"), offer("euro", { amount: 5, currency: "EUR" })],
        available: [
          { sku: "A", available: 1 },
          { sku: "euro", available: 1 },
        ],
      },
      "USD",
    );
    assert.deepEqual(view.total, usd(500));
    assert.deepEqual(
      view.lines.map((it) => it.sku),
      ["A"],
    );
    assert.deepEqual(
      view.notices.map(({ sku, code }) => [sku, code]),
      [
        ["gone", "unavailable"],
        ["euro", "unavailable"],
      ],
    );
  });

  it("notices changed prices, short stock and stock that nobody keeps", () => {
    const view = viewCart(
      id,
      { revision: 1, lines: [line("A", 1, usd(450)), line("B", 5), line("C")] },
      {
        variants: [offer("A"), offer("B"), offer("C")],
        available: [
          { sku: "A", available: 9 },
          { sku: "B", available: 4 },
        ],
      },
      "USD",
    );
    assert.deepEqual(
      view.notices.map(({ sku, code, message }) => [sku, code, message]),
      [
        ["A", "price_changed", "The price has changed since it was put in."],
        ["B", "low_stock", "Only 4 left."],
        ["C", "low_stock", "Out of stock."],
      ],
    );
    assert.equal(view.total.amount, 500 + 2_500 + 500);
  });
});

describe("lines of carts", () => {
  const lines = fc.uniqueArray(
    fc.record({
      sku: fc.integer({ min: 0, max: 150 }).map((n) => `S${n}`),
      quantity: fc.integer({ min: 1, max: MAX_QUANTITY }),
      seen: fc.constant(usd(500)),
      addedAt: fc.integer({ min: 0, max: 1_000 }),
    }),
    { selector: (it) => it.sku, maxLength: MAX_LINES },
  );

  it("merge within the limits, keep the user's own and add up", () => {
    fc.assert(
      fc.property(lines, lines, (own, guest) => {
        const merged = mergeLines(own, guest);
        assert.ok(merged.length <= MAX_LINES);
        assert.equal(new Set(merged.map((it) => it.sku)).size, merged.length);
        for (const { sku, quantity } of own) {
          const theirs = guest.find((it) => it.sku === sku)?.quantity ?? 0;
          const found = merged.find((it) => it.sku === sku)?.quantity;
          assert.equal(found, Math.min(MAX_QUANTITY, quantity + theirs));
        }
        const union = new Set([...own, ...guest].map((it) => it.sku)).size;
        assert.equal(merged.length, Math.min(MAX_LINES, union));
      }),
    );
  });

  it("lose exactly what was bought", () => {
    fc.assert(
      fc.property(lines, lines, (present, bought) => {
        const left = new Map(withoutBought(present, bought).map((it) => [it.sku, it.quantity]));
        for (const { sku, quantity } of present) {
          const taken = bought.find((it) => it.sku === sku)?.quantity ?? 0;
          assert.equal(left.get(sku) ?? 0, Math.max(0, quantity - taken));
        }
        assert.ok([...left.keys()].every((sku) => present.some((it) => it.sku === sku)));
      }),
    );
  });
});

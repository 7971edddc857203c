import assert from "node:assert/strict";
import fc from "fast-check";
import type { Order } from "../../../../services/products/search/product-search.ts";
import {
  headOf,
  KEY_SHAPES,
  keyOf,
  type Place,
  placeOf,
  ratingRank,
  timeOf,
} from "../../../../services/products/search/sort-keys.ts";
import { normalizeText } from "../../../../services/products/text/normalize-text.ts";
import { sortName } from "../../../../services/products/text/sort-name.ts";

const id = fc.uuid();
const name = fc.string({ unit: "binary", maxLength: 80 }).map((it) => sortName(normalizeText(it)));
const places: Record<Order, fc.Arbitrary<Place>> = {
  newest: id.map((it) => ({ rank: timeOf(it), name: "", id: it })),
  name: fc.tuple(name, id).map(([it, of]) => ({ rank: headOf(it), name: it, id: of })),
  price: fc.tuple(fc.nat(), id).map(([rank, of]) => ({ rank, name: "", id: of })),
  relevance: fc.tuple(fc.nat(99), id).map(([rank, of]) => ({ rank, name: "", id: of })),
  rating: fc
    .tuple(fc.nat(5_000), fc.nat(1_000_000), id)
    .map(([average, count, of]) => ({ rank: ratingRank(average / 1_000, count), name: "", id: of })),
};

describe("places in an order", () => {
  for (const [order, place] of Object.entries(places) as [Order, fc.Arbitrary<Place>][])
    it(`are the same after a cursor has carried them: ${order}`, () => {
      fc.assert(
        fc.property(place, (it) => {
          const key = keyOf(order, it);
          assert.match(key, KEY_SHAPES[order]);
          assert.deepEqual(placeOf(order, key), it);
        }),
      );
    });

  it("have heads that sort like the texts", () => {
    const text = fc.string({
      unit: fc.constantFrom("a", "b", "z", "\u00ff", "\u0100", "日", "🪔", "\u0000"),
      maxLength: 9,
    });
    fc.assert(
      fc.property(text, text, (a, b) => {
        if (a < b) assert.ok(headOf(a) <= headOf(b));
        if (headOf(a) < headOf(b)) assert.ok(a < b);
      }),
    );
  });

  it("put better ratings later, and of equal ones the more reviewed", () => {
    const ranks = [ratingRank(0, 0), ratingRank(4.5, 3), ratingRank(4.5, 1e12), ratingRank(4.501, 1)];
    assert.deepEqual(
      ranks,
      ranks.toSorted((a, b) => a - b),
    );
    assert.equal(new Set(ranks).size, 4);
  });
});

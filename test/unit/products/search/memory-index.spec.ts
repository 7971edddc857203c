import assert from "node:assert/strict";
import fc from "fast-check";
import { listingOf } from "../../../../services/products/listing/listing.ts";
import { MemoryIndex } from "../../../../services/products/search/memory-index.ts";
import type { Order, SearchQuery } from "../../../../services/products/search/product-search.ts";
import { eachToken, queryTokens, relevance } from "../../../../services/products/text/search-tokens.ts";

const CATEGORIES = [
  { _id: "home", name: "Home", path: ["home"] },
  { _id: "light", name: "Lighting", path: ["home", "light"] },
  { _id: "tools", name: "Tools", path: ["tools"] },
];
const ORDERS: readonly Order[] = ["relevance", "newest", "name", "price", "rating"];

const idOf = (number: number) => `018f0000-0000-7000-8000-${String(number).padStart(12, "0")}`;

interface Known {
  number: number;
  writes: number;
  name: string;
  description: string;
  categoryIds: string[];
  amount: number;
  rating: { average: number; count: number };
  inStock: boolean;
  onSale: boolean;
}

const entryOf = (it: Known) => ({
  _id: idOf(it.number),
  writes: it.writes,
  categoryIds: it.categoryIds,
  rating: it.rating,
  listing: listingOf(
    {
      ...it,
      variants: [{ sku: `S${it.number}`, price: { amount: it.amount, currency: "USD" }, options: {} }],
    },
    CATEGORIES,
    it.inStock,
  ),
});

const asked: SearchQuery = {
  tokens: [],
  category: undefined,
  inStock: undefined,
  minPrice: undefined,
  maxPrice: undefined,
  order: "newest",
  descending: true,
  after: undefined,
  limit: 100,
};

/** All pages of a search. */
function allPages(index: MemoryIndex, query: SearchQuery) {
  const ids: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = index.search({ ...query, after });
    assert.ok(page.ids.length <= query.limit);
    ids.push(...page.ids);
    if (page.nextAfter === undefined) return { ...page, ids };
    assert.equal(page.ids.length, query.limit);
    after = page.nextAfter;
  }
}

/** What {@link MemoryIndex} must find, looked up in each product. */
function lookUp(all: Iterable<Known>, query: SearchQuery) {
  const found = [...all].flatMap((it) => {
    const { listing, ...entry } = entryOf(it);
    if (!listing) return [];
    const points = new Map<string, number>();
    const words = eachToken(listing, (token, is) => points.set(token, Math.max(is, points.get(token) ?? 0)));
    const fits =
      query.tokens.every((token) => points.has(token)) &&
      (query.category === undefined || listing.listedIn.includes(query.category)) &&
      (query.inStock === undefined || listing.inStock === query.inStock) &&
      listing.price >= (query.minPrice ?? 0) &&
      listing.price <= (query.maxPrice ?? Number.POSITIVE_INFINITY);
    const score = query.tokens.reduce((sum, token) => sum + (points.get(token) ?? 0), 0);
    return fits ? [{ ...entry, listing, score: relevance(score, query.tokens.length, words) }] : [];
  });
  type Found = (typeof found)[number];
  const keys: Record<Order, (it: Found) => (string | number)[]> = {
    relevance: (it) => [it.score],
    newest: () => [],
    name: (it) => [it.listing.name.slice(0, 60)],
    price: (it) => [it.listing.price],
    rating: (it) => [it.rating.average, it.rating.count],
  };
  const compare = (a: Found, b: Found): number => {
    const [one, other] = [
      [...keys[query.order](a), a._id],
      [...keys[query.order](b), b._id],
    ];
    const at = one.findIndex((value, i) => value !== other[i]);
    if (at < 0) return 0;
    const first = (one[at] as string) < (other[at] as string);
    return first === query.descending ? 1 : -1;
  };
  const categories = new Map<string, number>();
  for (const id of found.flatMap((it) => it.categoryIds)) categories.set(id, (categories.get(id) ?? 0) + 1);
  return { ids: found.sort(compare).map((it) => it._id), total: found.length, categories };
}

describe("the search index in memory", () => {
  const word = fc.constantFrom("lamp", "lampshade", "oak", "Öl", "desk", "日本", "🪔🪔", "a", "\u{1F600}x");
  const product: fc.Arbitrary<Known> = fc.record({
    number: fc.nat(40),
    writes: fc.nat(1_000),
    name: fc.array(word, { minLength: 1, maxLength: 5 }).map((it) => it.join(" ")),
    description: fc.array(word, { maxLength: 3 }).map((it) => it.join(" ")),
    categoryIds: fc.subarray(["home", "light", "tools"]),
    amount: fc.nat(6),
    rating: fc.record({ average: fc.nat(5), count: fc.nat(2) }),
    inStock: fc.boolean(),
    onSale: fc.boolean(),
  });
  const query: fc.Arbitrary<SearchQuery> = fc.record({
    tokens: fc.array(word, { maxLength: 3 }).map((it) => queryTokens(it.join(" "))),
    category: fc.constantFrom(undefined, "home", "light", "tools", "none"),
    inStock: fc.constantFrom(undefined, true, false),
    minPrice: fc.option(fc.nat(6), { nil: undefined }),
    maxPrice: fc.option(fc.nat(6), { nil: undefined }),
    order: fc.constantFrom(...ORDERS),
    descending: fc.boolean(),
    after: fc.constant(undefined),
    limit: fc.integer({ min: 1, max: 7 }),
  });

  it("finds, orders, counts and pages as a look at every product does, through any changes", () => {
    fc.assert(
      fc.property(
        fc.array(product, { maxLength: 120 }),
        fc.array(query, { minLength: 1, maxLength: 8 }),
        (changes, queries) => {
          const index = new MemoryIndex();
          const known = new Map<number, Known>();
          for (const [at, change] of changes.entries()) {
            const changed = { ...change, writes: at };
            known.set(change.number, changed);
            index.put(entryOf(changed));
            index.put(entryOf(changed));
          }
          for (const it of queries) {
            const { ids, total, categories } = allPages(index, it);
            assert.deepEqual({ ids, total, categories }, lookUp(known.values(), it));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it("reads few entries where one word is rare, however frequent the others are", () => {
    const index = new MemoryIndex();
    const many = 20_000;
    for (let number = 0; number < many; number++) {
      const name = `Common ${number % 2 === 0 ? "Even" : "Odd"} ${number % 5_000 === 0 ? "Rare" : "Usual"}`;
      index.put(entryOf(numbered(number, name)));
    }
    const entriesOf = (tokens: string[]) => {
      const before = index.read;
      const { total } = index.search({ ...asked, tokens, order: "relevance", limit: 20 });
      return { total, read: index.read - before };
    };
    assert.deepEqual(entriesOf(["rare"]), { total: 4, read: 4 });
    for (const tokens of [
      ["common", "rare"],
      ["rare", "common", "even"],
    ]) {
      const { total, read } = entriesOf(tokens);
      assert.equal(total, 4);
      assert.ok(read < 4 * tokens.length * 32, `${read} of ${many}`);
    }
    const both = entriesOf(["common", "even"]);
    assert.equal(both.total, many / 2);
    assert.ok(both.read <= 3 * many, `${both.read} of ${many}`);
    assert.deepEqual(entriesOf(["common", "nothing"]), { total: 0, read: 0 });
  });

  it("says when most of it is old, and not before", () => {
    const index = new MemoryIndex();
    for (let writes = 0; writes <= 1_002; writes++) {
      assert.equal(index.isWorn, false, `after ${writes}`);
      index.put(entryOf({ ...numbered(1, "Lamp"), writes }));
    }
    assert.equal(index.isWorn, true);
    assert.equal(index.size, 1);
    assert.equal(index.search({ ...asked, tokens: ["lamp"] }).total, 1);
  });

  const numbered = (number: number, name: string): Known => ({
    number,
    writes: 1,
    name,
    description: "",
    categoryIds: [],
    amount: 100,
    rating: { average: 0, count: 0 },
    inStock: true,
    onSale: true,
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { MemoryIndex } from "../../../../services/products/search/memory-index.ts";
import type {
  Order,
  SearchEngine,
  SearchQuery,
} from "../../../../services/products/search/product-search.ts";
import { loadAnalyzer } from "../../../../services/products/text/stemmer.ts";
import { LookedUpSearch } from "../../../support/search/looked-up-search.ts";
import { type Described, query, searched } from "../../../support/search/searched-products.ts";

const ORDERS: readonly Order[] = ["relevance", "newest", "name", "price", "rating"];
const english = await loadAnalyzer("en");
const newIndex = () => new MemoryIndex(english, "USD");

/** All pages of a search. */
async function allPages(engine: SearchEngine, asked: SearchQuery) {
  const ids: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = await engine.search({ ...asked, after });
    assert.ok(page.ids.length <= asked.limit);
    ids.push(...page.ids);
    assert.ok(ids.length <= page.total, "an endless list");
    if (page.nextAfter === undefined) return { total: page.total, facets: page.facets, ids };
    assert.equal(page.ids.length, asked.limit);
    after = page.nextAfter;
  }
}

describe("the search index in memory", () => {
  // No two of them differ by one letter.
  const word = fc.constantFrom(
    ...[
      "lamp",
      "lamps",
      "lampshade",
      "oak",
      "Öl",
      "desk",
      "日本",
      "本日酒",
      "🪔🪔",
      "a",
      "\u{1F600}x",
      "box",
    ],
  );
  const words = (max: number) => fc.array(word, { maxLength: max }).map((it) => it.join(" "));
  const variant = fc.record({
    amount: fc.nat(4),
    currency: fc.constantFrom("USD", "USD", "KES"),
    inStock: fc.boolean(),
    options: fc.record(
      { Colour: fc.constantFrom("Red", "Blue"), Size: fc.constantFrom("S", "M") },
      { requiredKeys: [] },
    ),
  });
  const product: fc.Arbitrary<Described> = fc.record({
    number: fc.nat(25),
    name: words(5).map((it) => it || "oak"),
    description: words(3),
    categoryIds: fc.subarray(["home", "light", "tools"]),
    rating: fc.record({ average: fc.nat(5), count: fc.nat(2) }),
    variants: fc.array(variant, { minLength: 1, maxLength: 3 }),
    published: fc.constantFrom(true, true, true, false),
    removed: fc.constantFrom(false, false, false, true),
  });
  const range = fc.record({ currency: fc.constantFrom("USD", "KES", "EUR"), min: fc.nat(3), max: fc.nat(4) });
  const options = fc.record(
    {
      Colour: fc.subarray(["Red", "Blue", "Green"], { minLength: 1 }),
      Size: fc.subarray(["S", "M"], { minLength: 1 }),
    },
    { requiredKeys: [] },
  );
  const asked: fc.Arbitrary<SearchQuery> = fc.record({
    text: fc.option(words(3), { nil: undefined }),
    category: fc.constantFrom(undefined, undefined, "home", "light", "none"),
    inStock: fc.constantFrom(undefined, true, false),
    price: fc.option(range, { nil: undefined }),
    options: options as fc.Arbitrary<Record<string, string[]>>,
    published: fc.constantFrom(true, true, false, undefined),
    order: fc.constantFrom(...ORDERS),
    descending: fc.boolean(),
    after: fc.constant(undefined),
    limit: fc.integer({ min: 1, max: 7 }),
  });

  it("finds, orders, counts and pages as a look at every product does, through any changes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(product, { maxLength: 60 }),
        fc.array(asked, { minLength: 1, maxLength: 6 }),
        async (changes, queries) => {
          const [index, expected] = [newIndex(), new LookedUpSearch(english, "USD")];
          // So that names and values of options come in the same order.
          for (const [at, change] of changes.entries()) {
            const changed = searched({ ...change, writes: at });
            index.put(changed);
            index.put(changed);
            expected.put(changed);
          }
          for (const it of queries) assert.deepEqual(await allPages(index, it), await allPages(expected, it));
        },
      ),
      { numRuns: 200 },
    );
  });

  const numbered = (number: number, name: string) => searched({ number, name });

  it("reads few entries where one word is rare, however frequent the others are", () => {
    const index = newIndex();
    const many = 20_000;
    for (let number = 0; number < many; number++) {
      const name = `Common ${number % 2 === 0 ? "Evening" : "Oddity"} ${number % 5_000 === 0 ? "Rare" : "Usual"}`;
      index.put(numbered(number, name));
    }
    const entriesOf = (text: string) => {
      const before = index.read;
      const { total } = index.search(query({ text, limit: 20 }));
      return { total, read: index.read - before };
    };
    assert.deepEqual(entriesOf("rare"), { total: 4, read: 8 });
    for (const text of ["common rare", "rare common evening"]) {
      const { total, read } = entriesOf(text);
      assert.equal(total, 4);
      assert.ok(read < 4 * 6 * 32, `${read} of ${many}`);
    }
    const both = entriesOf("common evening");
    assert.equal(both.total, many / 2);
    assert.ok(both.read <= 6 * many, `${both.read} of ${many}`);
    assert.deepEqual(entriesOf("common nothing"), { total: 0, read: 0 });
    assert.deepEqual(entriesOf("raer"), { total: 0, read: 0 });
    assert.ok(entriesOf("evenign rare").read < 200);
  });

  it("says when most of it is old, and not before", () => {
    const index = newIndex();
    for (let writes = 0; writes <= 1_002; writes++) {
      assert.equal(index.isWorn, false, `after ${writes}`);
      index.put(searched({ number: 1, name: "Lamp", writes }));
    }
    assert.equal(index.isWorn, true);
    assert.equal(index.size, 1);
    assert.equal(index.search(query({ text: "lamp" })).total, 1);
  });
});

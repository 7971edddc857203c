import assert from "node:assert/strict";
import { MemoryIndex } from "../../../../services/products/search/memory-index.ts";
import type {
  SearchEngine,
  SearchedProduct,
  SearchQuery,
  SearchResult,
} from "../../../../services/products/search/product-search.ts";
import { ThreadIndex } from "../../../../services/products/search/thread-index.ts";
import { type Analyzer, loadAnalyzer, plainAnalyzer } from "../../../../services/products/text/stemmer.ts";
import { LookedUpSearch } from "../../../support/search/looked-up-search.ts";
import { searchConformance } from "../../../support/search/search-conformance.ts";

const english = await loadAnalyzer("en");
const engines = {
  "the index in memory": () => new MemoryIndex(english, "USD"),
  "the index in a thread": () => new ThreadIndex("en", "USD"),
  "the engine that looks at every product": () => new LookedUpSearch(english, "USD"),
};

for (const [name, make] of Object.entries<() => SearchEngine>(engines))
  describe(`search engines: ${name}`, () => {
    const made: SearchEngine[] = [];
    const makeAndKeep = () => {
      const engine = make();
      made.push(engine);
      return engine;
    };
    afterEach(() => Promise.all(made.splice(0).map((it) => it.stop?.())));
    for (const [does, check] of Object.entries(searchConformance)) it(does, () => check(makeAndKeep));
  });

/** An engine that is right but for one thing. */
interface Fault {
  analyzer?: Analyzer;
  put?(product: SearchedProduct): SearchedProduct;
  ask?(query: SearchQuery): SearchQuery;
  answer?(result: SearchResult, query: SearchQuery): SearchResult;
  bySku?(ids: string[]): string[];
}

function faulty({ put, ask, answer, bySku, analyzer = english }: Fault): SearchEngine {
  const engine = new LookedUpSearch(analyzer, "USD");
  return {
    isWorn: false,
    put: (product) => engine.put(put?.(product) ?? product),
    async search(query) {
      const found = await engine.search(ask?.(query) ?? query);
      return answer?.(found, query) ?? found;
    },
    productsBySku: async (beginning, limit) => {
      const found = await engine.productsBySku(beginning, limit);
      return bySku?.(found) ?? found;
    },
  };
}

/** Each fault, and a case that must find it. */
const FAULTS: Readonly<Record<string, [Fault, RegExp]>> = {
  "knows the first variants only": [
    { put: (it) => ({ ...it, variants: it.variants.slice(0, 24) }) },
    /search-sku-of-later-variant/,
  ],
  "knows the first words of a description only": [
    {
      put: (it) => ({
        ...it,
        listing: it.listing && { ...it.listing, words: it.listing.words.split(" ").slice(0, 40).join(" ") },
      }),
    },
    /every SKU, option and word/,
  ],
  "knows words only as they are written": [{ analyzer: plainAnalyzer }, /search-plural/],
  "compares a range with the lowest price": [
    { put: (it) => ({ ...it, variants: it.variants.slice(0, 1) }) },
    /list-price-range-variants/,
  ],
  "ignores currencies": [
    {
      put: (it) => ({
        ...it,
        variants: it.variants.map((one) => ({ ...one, price: { ...one.price, currency: "USD" } })),
      }),
    },
    /in its currency/,
  ],
  "shows drafts": [{ ask: (it) => ({ ...it, published: undefined }) }, /not published/],
  "ignores options": [{ ask: (it) => ({ ...it, options: {} }) }, /one variant must have all/],
  "counts the page only": [{ answer: (it) => ({ ...it, total: it.ids.length }) }, /pages through any order/],
  "counts facets with their own filter": [
    {
      answer: (it, { options }) => ({
        ...it,
        facets: {
          ...it.facets,
          options: it.facets.options.map(({ name, values }) => ({
            name,
            values: values.filter(({ value }) => !options[name] || options[name].includes(value)),
          })),
        },
      }),
    },
    /counts what a list would have/,
  ],
  "sorts by relevance alone": [
    { ask: (it) => ({ ...it, order: "relevance" }) },
    /its currency|pages through/,
  ],
  "repeats the last product of a page": [
    { answer: (it, { after }) => (after ? { ...it, ids: [it.ids[0] ?? "", ...it.ids] } : it) },
    /pages through any order/,
  ],
  "forgets to remove": [
    { put: (it) => (it.listing ? it : { ...it, _id: "018f0000-0000-7000-8000-000000000999" }) },
    /through its changes/,
  ],
  "finds no SKU by its beginning": [{ bySku: () => [] }, /beginning of a SKU/],
};

describe("the suite of search engines", () => {
  for (const [fault, [is, expected]] of Object.entries(FAULTS))
    it(`fails for one that ${fault}`, async () => {
      const failed: string[] = [];
      for (const [does, check] of Object.entries(searchConformance).filter(([it]) => expected.test(it)))
        await check(() => faulty(is)).catch((error: unknown) => {
          assert.ok(error instanceof assert.AssertionError, String(error));
          failed.push(does);
        });
      assert.ok(failed.length > 0, "no case has found it");
    });
});

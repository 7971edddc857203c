/** What every search engine must do. Each case fills an engine of its own and fails by an assertion. */
import assert from "node:assert/strict";
import type { SearchEngine, SearchQuery } from "../../../services/products/search/product-search.ts";
import { type Described, idOf, query, searched, usd } from "./searched-products.ts";

export type NewEngine = () => SearchEngine | Promise<SearchEngine>;
type Case = (make: NewEngine) => Promise<void>;

async function filled(make: NewEngine, products: readonly Described[]): Promise<SearchEngine> {
  const engine = await make();
  for (const it of products) await engine.put(searched(it));
  return engine;
}

/** The numbers of the products that are found, in order. */
async function numbers(engine: SearchEngine, asked: Partial<SearchQuery>): Promise<number[]> {
  const { ids, total } = await engine.search(query(asked));
  assert.equal(total, ids.length);
  return ids.map((id) => Number(id.slice(-12)));
}

/** A case that names products, and what each text finds, in whatever order. */
const finds =
  (products: readonly Described[], texts: Readonly<Record<string, readonly number[]>>): Case =>
  async (make) => {
    const engine = await filled(make, products);
    for (const [text, expected] of Object.entries(texts)) {
      const found = await numbers(engine, { text });
      assert.deepEqual(found.sort(), [...expected].sort(), text);
    }
  };

const colours = ["Red", "Green", "Blue", "Teal", "Plum"];
/** 100 variants with SKUs of three words, and options of their own. */
const manyVariants: Described = {
  number: 1,
  name: "Tee",
  description: Array.from({ length: 400 }, (_, at) => `w${at}`).join(" "),
  variants: Array.from({ length: 100 }, (_, at) => ({
    sku: `TEE${441_300 + at}-${colours[at % 5]}-${String(at).padStart(2, "0")}X`,
    options: { colour: `${colours[at % 5]}${at}`, size: `size${at}` },
  })),
};

export const searchConformance: Readonly<Record<string, Case>> = {
  "finds products by words, their beginnings, categories, options and SKUs": finds(
    [
      {
        number: 1,
        name: "Crème Brûlée Torch",
        description: "For kitchens",
        variants: [{ sku: "CBT-RED-1" }],
      },
      { number: 2, name: "Desk Lamp", categoryIds: ["light"], variants: [{ options: { finish: "Smoked" } }] },
      { number: 3, name: "Lampshade" },
    ],
    {
      creme: [1],
      BRÛL: [1],
      "torch crème": [1],
      "cbt red": [1],
      kitchens: [1],
      lamp: [2, 3],
      lighting: [2],
      lighti: [2],
      smoked: [2],
      orch: [],
      "torch lamp": [],
    },
  ),

  "search-sku-of-later-variant: finds every SKU, option and word of a product with 100 variants": async (
    make,
  ) => {
    const engine = await filled(make, [manyVariants, { number: 2, name: "Other" }]);
    const searchable = searched(manyVariants);
    for (const { sku } of searchable.variants)
      assert.deepEqual(await numbers(engine, { text: sku }), [1], sku);
    for (const { sku, options } of searchable.variants.slice(-5))
      for (const text of [sku.toLowerCase(), sku.replaceAll("-", " "), options.colour, options.size])
        assert.deepEqual(await numbers(engine, { text }), [1], text);
    for (const at of [0, 39, 40, 199, 399]) assert.deepEqual(await numbers(engine, { text: `w${at}` }), [1]);
    assert.deepEqual(await numbers(engine, { text: "w400" }), []);
  },

  "puts an exact SKU first, before products that have its words in their names": async (make) => {
    const engine = await filled(make, [
      { number: 1, name: "Plain", variants: [{ sku: "LAMP-BRASS-1" }, { sku: "LAMP-BRASS-2" }] },
      { number: 2, name: "Lamp Brass 1" },
      { number: 3, name: "Lamp brass 1 and 2", variants: [{ sku: "LAMP-BRASS-10" }] },
    ]);
    for (const text of ["LAMP-BRASS-1", "lamp-brass-1", "Lamp Brass 1"])
      assert.equal((await numbers(engine, { text }))[0], 1, text);
    assert.equal((await numbers(engine, { text: "LAMP-BRASS-10" }))[0], 3);
  },

  "search-plural: finds other forms of a word": finds(
    [
      { number: 1, name: "Phone" },
      { number: 2, name: "Hat box" },
      { number: 3, name: "Chef's Knives" },
      { number: 4, name: "Case", description: "Holds spare batteries" },
      { number: 5, name: "Phonograph" },
    ],
    {
      phones: [1],
      phone: [1],
      boxes: [2],
      box: [2],
      knife: [3],
      knives: [3],
      battery: [4],
      batteries: [4],
      "holding batteries": [4],
    },
  ),

  "finds any part of a text in scripts without blanks": finds(
    [
      { number: 1, name: "木製テーブル", description: "東京都で作られた丈夫な机" },
      { number: 2, name: "โต๊ะไม้สัก" },
      { number: 3, name: "USB充電器 20W" },
      { number: 4, name: "机" },
    ],
    {
      木製: [1],
      テーブル: [1],
      京都: [1],
      丈夫な机: [1],
      机: [1, 4],
      ไม้: [2],
      充電: [3],
      usb: [3],
      製木: [],
      電器20: [3],
    },
  ),

  "finds a word of five or more letters with a typo of one, where nothing matches exactly": finds(
    [
      { number: 1, name: "Walnut Bookshelf" },
      { number: 2, name: "Oak Bench", description: "Waterproof" },
      { number: 3, name: "Сапоги" },
      { number: 4, name: "Stool" },
      { number: 5, name: "Stole" },
    ],
    {
      bokshelf: [1],
      boookshelf: [1],
      bookshalf: [1],
      bookshefl: [1],
      "walnut bookshefl": [1],
      watreproof: [2],
      "oak bensh": [2],
      сапаги: [3],
      oka: [],
      bookhsef: [],
      // Both are words: only what was asked for.
      stole: [5],
      stool: [4],
    },
  ),

  "finds nothing by a text without words": finds([{ number: 1, name: "Lamp" }], {
    "...": [],
    "-": [],
    "\u0301": [],
  }),

  "list-price-range-variants: a range of prices means a variant": async (make) => {
    const engine = await filled(make, [
      { number: 1, name: "Two", variants: [{ amount: 1_000 }, { amount: 17_500 }] },
    ]);
    const found = async (min: number, max: number) =>
      (await numbers(engine, { price: usd(min * 100, max * 100) })).length;
    assert.deepEqual([await found(0, 100), await found(100, 200), await found(20, 100)], [1, 1, 0]);
    assert.deepEqual([await found(10, 10), await found(175, 175), await found(176, 999)], [1, 1, 0]);
  },

  "a range of prices means a variant that can be had, in its currency": async (make) => {
    const engine = await filled(make, [
      { number: 1, name: "Some", variants: [{ amount: 100, inStock: false }, { amount: 900 }] },
      {
        number: 2,
        name: "None",
        variants: [
          { amount: 100, inStock: false },
          { amount: 900, inStock: false },
        ],
      },
      { number: 3, name: "Abroad", variants: [{ amount: 100, currency: "KES" }, { amount: 500 }] },
    ]);
    assert.deepEqual(await numbers(engine, { price: usd(0, 200) }), [2]);
    assert.deepEqual(await numbers(engine, { price: usd(800, 1_000) }), [2, 1]);
    assert.deepEqual(await numbers(engine, { price: { currency: "KES", min: 0, max: 999 } }), [3]);
    assert.deepEqual(await numbers(engine, { price: { currency: "EUR", min: 0, max: 999 } }), []);
    // By price: the lowest that can be had, and other currencies last.
    const order = { order: "price", descending: false } as const;
    assert.deepEqual(await numbers(engine, order), [2, 3, 1]);
  },

  "one variant must have all options, be in stock and in the range": async (make) => {
    const engine = await filled(make, [
      {
        number: 1,
        name: "Shirt",
        variants: [
          { options: { Colour: "Red", Size: "S" }, amount: 100 },
          { options: { Colour: "Blue", Size: "M" }, amount: 300, inStock: false },
          { options: { Colour: "Blue", Size: "L" }, amount: 500 },
        ],
      },
    ]);
    const found = async (asked: Partial<SearchQuery>) => (await numbers(engine, asked)).length;
    assert.equal(await found({ options: { Colour: ["Red"] } }), 1);
    assert.equal(await found({ options: { colour: ["red", "Green"] } }), 1);
    assert.equal(await found({ options: { Colour: ["Red"], Size: ["M"] } }), 0);
    assert.equal(await found({ options: { Colour: ["Green"] } }), 0);
    assert.equal(await found({ options: { Material: ["Red"] } }), 0);
    assert.equal(await found({ options: { Size: ["M"] } }), 1);
    assert.equal(await found({ options: { Size: ["M"] }, inStock: true }), 0);
    assert.equal(await found({ options: { Colour: ["Blue"] }, price: usd(0, 400) }), 0);
    assert.equal(await found({ options: { Colour: ["Blue"] }, price: usd(0, 500) }), 1);
  },

  "counts what a list would have with another value in place of its own": async (make) => {
    const engine = await filled(make, [
      {
        number: 1,
        name: "Shirt",
        categoryIds: ["light"],
        variants: [
          { options: { Colour: "Red" }, amount: 100 },
          { options: { Colour: "Blue" }, amount: 300, inStock: false },
        ],
      },
      {
        number: 2,
        name: "Shirt",
        categoryIds: ["home"],
        variants: [{ options: { Colour: "Red" }, amount: 700 }],
      },
      { number: 3, name: "Shirt", variants: [{ options: { Colour: "Blue" }, amount: 900, inStock: false }] },
    ]);
    const { total, facets } = await engine.search(query({ options: { Colour: ["Red"] } }));
    assert.equal(total, 2);
    assert.deepEqual(facets.options, [
      {
        name: "Colour",
        values: [
          { value: "Blue", count: 2 },
          { value: "Red", count: 2 },
        ],
      },
    ]);
    assert.deepEqual(facets.prices, [{ currency: "USD", min: 100, max: 700, count: 2 }]);
    assert.deepEqual(facets.stock, { inStock: 2, outOfStock: 0 });
    assert.deepEqual(facets.categories.get("home"), { own: 1, all: 2 });
    assert.deepEqual(facets.categories.get("light"), { own: 1, all: 1 });
    const cheap = await engine.search(query({ price: usd(0, 200) }));
    assert.deepEqual(cheap.facets.prices, [{ currency: "USD", min: 100, max: 900, count: 3 }]);
    assert.deepEqual(cheap.facets.options[0]?.values, [{ value: "Red", count: 1 }]);
    assert.deepEqual((await engine.search(query({ inStock: true }))).facets.stock, {
      inStock: 2,
      outOfStock: 1,
    });
  },

  "shows what is not published only when asked for it": async (make) => {
    const engine = await filled(make, [
      { number: 1, name: "Lamp" },
      { number: 2, name: "Secret Lamp", published: false, variants: [{ sku: "DRAFT-1" }] },
      { number: 3, name: "Gone Lamp", removed: true },
    ]);
    assert.deepEqual(await numbers(engine, { text: "lamp" }), [1]);
    assert.deepEqual(await numbers(engine, { text: "secret" }), []);
    assert.deepEqual(await numbers(engine, { text: "DRAFT-1" }), []);
    assert.deepEqual(await engine.productsBySku("DRAFT", 5), []);
    assert.deepEqual(await numbers(engine, { text: "lamp", published: false }), [2]);
    assert.deepEqual(await numbers(engine, { published: undefined, order: "newest" }), [2, 1]);
  },

  "follows a product through its changes": async (make) => {
    const engine = await make();
    const put = (it: Omit<Described, "number">) => engine.put(searched({ number: 1, ...it }));
    await put({ name: "Lamp", writes: 1 });
    await put({ name: "Chair", writes: 2, variants: [{ sku: "CHAIR-1", amount: 700 }] });
    await put({ name: "Chair", writes: 2, variants: [{ sku: "CHAIR-1", amount: 700 }] });
    assert.deepEqual(await numbers(engine, { text: "lamp" }), []);
    assert.deepEqual(await numbers(engine, { text: "chair" }), [1]);
    assert.deepEqual((await engine.search(query())).writes, [2]);
    await put({ name: "Chair", writes: 3, published: false });
    assert.deepEqual(await numbers(engine, {}), []);
    await put({ name: "Chair", writes: 4 });
    assert.deepEqual(await numbers(engine, { text: "chair" }), [1]);
    await put({ name: "Chair", writes: 5, removed: true });
    assert.deepEqual(await numbers(engine, { published: undefined }), []);
  },

  "names products by the beginning of a SKU, in order": async (make) => {
    const engine = await filled(
      make,
      Array.from({ length: 1_500 }, (_, number) => ({
        number,
        name: "Thing",
        variants: [{ sku: `AB-${String((number * 7) % 1_500).padStart(4, "0")}` }, { sku: `Zz-${number}` }],
      })),
    );
    const at = (sku: number) => idOf((sku * 643) % 1_500);
    assert.deepEqual(await engine.productsBySku("ab-000", 3), [at(0), at(1), at(2)]);
    assert.deepEqual(await engine.productsBySku("AB-1499", 3), [at(1_499)]);
    assert.deepEqual(await engine.productsBySku("zz-77", 1), [idOf(77)]);
    assert.deepEqual(await engine.productsBySku("b-1", 3), []);
  },

  "pages through any order without repeating or losing anything": async (make) => {
    const engine = await filled(
      make,
      Array.from({ length: 23 }, (_, number) => ({
        number,
        name: number % 3 === 0 ? "Lamp" : "Lampshade",
        rating: { average: number % 4, count: number },
        variants: [{ amount: (number % 5) * 100 }],
      })),
    );
    for (const order of ["relevance", "newest", "name", "price", "rating"] as const)
      for (const descending of [true, false]) {
        const asked = query({ text: "lamp", order, descending });
        const { ids, total } = await engine.search(asked);
        assert.equal(total, 23);
        const paged: string[] = [];
        for (let after: string | undefined; ; ) {
          const page = await engine.search({ ...asked, after, limit: 4 });
          assert.equal(page.total, 23);
          paged.push(...page.ids);
          assert.ok(paged.length <= total, "an endless list");
          if (page.nextAfter === undefined) break;
          after = page.nextAfter;
        }
        assert.deepEqual(paged, ids, `${order} ${descending}`);
      }
  },
};

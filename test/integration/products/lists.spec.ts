import assert from "node:assert/strict";
import mongoose from "mongoose";
import type { ParamsIn, Returned } from "../../../broker/contract/contract.ts";
import { SoukError } from "../../../broker/contract/errors.ts";
import { listingOf } from "../../../services/products/listing/listing.ts";
import type { Product } from "../../../services/products/models/product.model.ts";
import { aProduct, type Catalogue, startCatalogue } from "./support.ts";

type Asked = ParamsIn<"products.list">;
const usd = (amount: number) => ({ amount, currency: "USD" });

/** A UUIDv7 that sorts by `number`. */
const numbered = (number: number) => `018f0000-0000-7000-8000-${String(number).padStart(12, "0")}`;

describe("lists of products", () => {
  let shop: Catalogue;
  before(async () => {
    shop = await startCatalogue();
  });
  after(() => shop.close());

  const list = (asked: Asked = {}) => shop.call("products.list", asked);
  const names = async (asked: Asked) => (await list({ limit: 100, ...asked })).items.map((it) => it.name);

  /** Reads all pages. @returns the names in order */
  async function pages(asked: Asked, limit: number): Promise<string[]> {
    const all: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page: Returned<"products.list"> = await list({ ...asked, limit, ...(cursor ? { cursor } : {}) });
      assert.ok(page.items.length <= limit);
      all.push(...page.items.map((it) => it.name));
      if (page.nextCursor === null) return all;
      cursor = page.nextCursor;
    }
  }

  describe("of a small catalogue", () => {
    const lamps = [
      { name: "Desk Lamp", price: 3_000, stock: true },
      { name: "Élan Floor Lamp", price: 9_000, stock: true },
      { name: "Lampshade", price: 1_500, stock: false },
      { name: "Table", price: 20_000, stock: true, description: "Put a lamp on it." },
      { name: "chair", price: 9_000, stock: false },
    ];
    const byName: Record<string, string> = {};
    before(async () => {
      const root = await shop.call("products.createCategory", { name: "Home" });
      const child = await shop.call("products.createCategory", { name: "Lighting", parentId: root.id });
      Object.assign(byName, { Home: root.id, Lighting: child.id });
      for (const [at, { name, price, stock, description = "" }] of lamps.entries()) {
        if (stock) await shop.say("stock.replenished", `HOME-${at}`, 1);
        await shop.call("products.create", {
          name,
          description,
          categoryIds: [name.toLowerCase().includes("lamp") ? child.id : root.id],
          variants: [{ sku: `HOME-${at}`, price: usd(price) }],
        });
      }
    });

    it("come in every order that can be asked for", async () => {
      assert.deepEqual(await names({}), lamps.map((it) => it.name).reverse());
      assert.deepEqual(await names({ sort: "newest" }), lamps.map((it) => it.name).reverse());
      const sorted = ["chair", "Desk Lamp", "Élan Floor Lamp", "Lampshade", "Table"];
      assert.deepEqual(await names({ sort: "name" }), sorted);
      assert.deepEqual(await names({ sort: "-name" }), sorted.toReversed());
      const byPrice = ["Lampshade", "Desk Lamp", "Élan Floor Lamp", "chair", "Table"];
      assert.deepEqual(await names({ sort: "price" }), byPrice);
      assert.deepEqual(await names({ sort: "-price" }), byPrice.toReversed());
      assert.equal((await names({ sort: "rating" })).length, 5);
    });

    it("hold what is in a category and below it, by id and by slug", async () => {
      const lighting = ["Lampshade", "Élan Floor Lamp", "Desk Lamp"];
      assert.deepEqual(await names({ category: byName.Lighting ?? "" }), lighting);
      assert.deepEqual(await names({ category: "lighting" }), lighting);
      assert.equal((await names({ category: "home" })).length, 5);
      assert.deepEqual(await list({ category: "no-such" }), {
        items: [],
        nextCursor: null,
        total: 0,
        facets: { categories: [], prices: [], options: [], stock: { inStock: 0, outOfStock: 0 } },
      });
    });

    it("hold what is in a range of prices, the ends included", async () => {
      assert.deepEqual(await names({ minPrice: 3_000, maxPrice: 9_000, sort: "price" }), [
        "Desk Lamp",
        "Élan Floor Lamp",
        "chair",
      ]);
      assert.deepEqual(await names({ maxPrice: 2_999 }), ["Lampshade"]);
      assert.deepEqual(await names({ minPrice: 9_001, sort: "name" }), ["Table"]);
      assert.deepEqual(await names({ minPrice: 5, maxPrice: 4 }), []);
    });

    it("hold what is in stock, or what is not", async () => {
      assert.deepEqual(await names({ inStock: true }), ["Table", "Élan Floor Lamp", "Desk Lamp"]);
      assert.deepEqual(await names({ inStock: false, category: "lighting" }), ["Lampshade"]);
    });

    it("hold what is searched for, the best match first", async () => {
      const found = await names({ q: "lamp" });
      assert.deepEqual(found, ["Desk Lamp", "Élan Floor Lamp", "Lampshade", "Table"]);
      assert.deepEqual(await names({ q: "elan LAMP" }), ["Élan Floor Lamp"]);
      assert.equal((await names({ q: "light" })).length, 3, "by the name of the category");
      assert.deepEqual(await names({ q: "lamp", inStock: true, minPrice: 5_000, sort: "-price" }), [
        "Table",
        "Élan Floor Lamp",
      ]);
      assert.deepEqual(await names({ q: "..." }), []);
    });

    it("come with their size and counts, on every page", async () => {
      const { total, facets } = await list({ q: "lamp" });
      assert.equal(total, 4);
      assert.deepEqual(facets?.categories, [
        { id: byName.Lighting, name: "Lighting", count: 3 },
        { id: byName.Home, name: "Home", count: 1 },
      ]);
      assert.deepEqual(facets?.prices, [{ min: usd(1_500), max: usd(20_000), count: 4 }]);
      assert.deepEqual(facets?.stock, { inStock: 3, outOfStock: 1 });
      const first = await list({ limit: 2 });
      const second = await list({ limit: 2, cursor: first.nextCursor ?? "" });
      assert.deepEqual([first.total, second.total], [5, 5]);
      assert.deepEqual(first.facets, second.facets);
    });

    it("are the same in pages of any size", async () => {
      for (const asked of [
        {},
        { sort: "price" },
        { q: "lamp" },
        { category: "home", sort: "-name" },
      ] as Asked[])
        for (const limit of [1, 2, 5]) assert.deepEqual(await pages(asked, limit), await names(asked));
    });

    it("search-empty: are all products where nothing is searched for", async () => {
      for (const q of ["", " ", "\u3000 "]) {
        assert.deepEqual(await names({ q }), await names({}), JSON.stringify(q));
        assert.deepEqual(await pages({ q }, 2), await names({}));
      }
    });

    it("hold no prices of another currency", async () => {
      assert.equal((await names({ maxPrice: 20_000 })).length, 5);
      assert.equal((await names({ maxPrice: 20_000, currency: "USD" })).length, 5);
      assert.deepEqual(await names({ maxPrice: 20_000, currency: "KES" }), []);
    });

    it("refuse a cursor that was changed or is of another list, naming it", async () => {
      const { nextCursor } = await list({ limit: 1 });
      assert.ok(nextCursor);
      const changed = `${nextCursor.slice(0, -1)}${nextCursor.endsWith("A") ? "B" : "A"}`;
      for (const asked of [
        { cursor: changed },
        { cursor: nextCursor, sort: "price" },
        { cursor: "AAAA" },
      ] as Asked[])
        await assert.rejects(list(asked), (error) => {
          assert.ok(error instanceof SoukError);
          assert.equal(error.type, "VALIDATION_FAILED");
          assert.deepEqual(
            (error.data as { errors: { field: string }[] }).errors.map((it) => it.field),
            ["cursor"],
          );
          return true;
        });
    });

    it("refuse what the contract does not know", async () => {
      const bad = [
        { limit: 101 },
        { limit: 0 },
        { sort: "version" },
        { q: "a".repeat(101) },
        { options: { Colour: [] } },
        { options: Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`o${at}`, "x"])) },
        { currency: "usd" },
        { q: { $gt: "" } },
        { minPrice: -1 },
        { $where: "1" },
      ];
      for (const asked of bad)
        await assert.rejects(
          list(asked as Asked),
          (error) => (error as SoukError).type === "VALIDATION_FAILED",
        );
    });

    it("neither repeat nor lose anything when products come in between pages", async () => {
      const expected = await names({ sort: "name" });
      const first = await list({ sort: "name", limit: 2 });
      await shop.call("products.create", aProduct({ name: "Aardvark" }));
      await shop.call("products.create", aProduct({ name: "Zebra" }));
      const rest = await list({ sort: "name", limit: 100, cursor: first.nextCursor ?? "" });
      assert.deepEqual(
        [...first.items, ...rest.items].map((it) => it.name),
        [...expected, "Zebra"],
      );
    });
  });

  describe("of many", () => {
    const many = 1_200;
    before(async () => {
      const documents = Array.from({ length: many }, (_, at) => bulkProduct(at));
      await shop.documents().insertMany(documents);
      // Notices them as what another node has written.
      await shop.call("products.create", aProduct());
    });

    it("are exact in every order, page after page", async () => {
      const filters: Asked[] = [
        { q: "bulk", sort: "price" },
        { q: "bulk", sort: "newest" },
        { maxPrice: 5_000, minPrice: 4_000, sort: "name" },
        { q: "bulk" },
      ];
      for (const asked of filters) {
        const found = await pages(asked, 100);
        assert.equal(found.length, many);
        assert.equal(new Set(found).size, many);
      }
    });

    it("say their size, however many they are", async () => {
      const { total, facets } = await list({ q: "bulk" });
      assert.equal(total, many);
      assert.deepEqual(facets?.categories, []);
      assert.deepEqual(facets?.stock, { inStock: 0, outOfStock: many });
    });

    it("read no more documents than a page has, whatever is asked", async () => {
      const filters: Asked[] = [
        {},
        { sort: "price" },
        { sort: "-price" },
        { sort: "name" },
        { sort: "rating" },
        { inStock: false },
        { category: "home", sort: "name" },
        { q: "bulk", sort: "newest" },
        { q: "bulk", sort: "price" },
        { q: "bulk thing" },
        { q: "00 bulk 00123" },
        { minPrice: 4_000, sort: "price" },
        { minPrice: 4_000, maxPrice: 5_000, sort: "newest" },
      ];
      const model = shop.documents();
      const seen: { filter: object; options: object }[] = [];
      mongoose.set("debug", (collection: string, method: string, filter: object, options: object) => {
        if (collection === "products" && method === "find") seen.push({ filter, options });
      });
      try {
        for (const asked of filters) {
          const first = await list({ ...asked, limit: 10 });
          if (first.nextCursor) await list({ ...asked, limit: 10, cursor: first.nextCursor });
        }
      } finally {
        mongoose.set("debug", false);
      }
      // At most one for each page, because rows that were read stay, and what the index reads to follow.
      const pagesRead = seen.filter(({ filter }) => !("changed" in filter));
      assert.ok(pagesRead.length > 0 && pagesRead.length <= 2 * filters.length);
      assert.ok(seen.length - pagesRead.length < 5);
      for (const { filter, options } of seen) {
        const find = model.collection.find(filter, options as object);
        const plan = await find.explain("executionStats");
        const said = JSON.stringify({ filter, options, plan });
        assert.ok(!/COLLSCAN|"SORT"/.test(JSON.stringify(plan.queryPlanner.winningPlan)), said);
        if (!("changed" in filter)) assert.ok(plan.executionStats.totalDocsExamined <= 10, said);
      }
    });
  });

  function bulkProduct(at: number): Product {
    const fields = {
      _id: numbered(at),
      slug: `bulk-${at}`,
      name: `Bulk ${String(at).padStart(5, "0")}`,
      description: "",
      categoryIds: [],
      images: [],
      rating: { average: 0, count: 0 },
      // Two of three cost the same, so that pages end among equals.
      variants: [{ sku: `BULK-${at}`, price: usd(4_000 + (at % 3 === 0 ? at % 1_000 : 0)), options: {} }],
      onSale: true,
      version: 1,
      writes: 1,
      createdAt: new Date(),
      updatedAt: new Date(),
      changed: new Date(),
    };
    return { ...fields, listing: listingOf(fields, [], new Set()) };
  }
});

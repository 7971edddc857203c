import assert from "node:assert/strict";
import type { Connection } from "mongoose";
import { newId } from "../../../broker/contract/ids.ts";
import { migrateDown, migrateUp, migrationsOf } from "../../../broker/mongo/migrations.ts";
import { systemClock } from "../../../broker/resilience/clock.ts";
import { silentLog } from "../../../broker/resilience/silent-log.ts";
import core from "../../../services/index.ts";
import { categoryModel } from "../../../services/products/models/category.model.ts";
import { productModel } from "../../../services/products/models/product.model.ts";
import { stockLevelModel } from "../../../services/products/models/stock-level.model.ts";
import { followProducts } from "../../../services/products/search/follow-products.ts";
import { MemoryIndex } from "../../../services/products/search/memory-index.ts";
import { plainAnalyzer } from "../../../services/products/text/stemmer.ts";
import { type MemoryDatabase, openMemoryDatabase } from "../../support/servers/memory-database.ts";

/** More than a page of the migration. */
const MANY = 1_100;

type Stored = Record<string, unknown> & { _id: string; changed?: Date };

describe("the migration to the search index", () => {
  let database: MemoryDatabase;
  let db: Connection;
  const category = newId();

  beforeEach(async () => {
    database = await openMemoryDatabase();
    db = database.service("products");
    const [first] = await migrations();
    assert.ok(first);
    await migrateUp(db, [first], "test", systemClock);
    await categoryModel.bind(db).create({ ...aCategory, _id: category, path: [category] });
    await stockLevelModel.bind(db).create({ _id: "SKU-1", revision: 1, inStock: true });
    await products().insertMany(Array.from({ length: MANY }, (_, at) => former(at)));
  });
  afterEach(() => database.close());

  const migrations = async () => (await migrationsOf(core.migrations?.products)).slice(0, 2);
  const products = () => db.collection<Stored>("products");
  const up = async () => migrateUp(db, await migrations(), "test", systemClock);
  const indexes = async () => (await products().indexes()).map((it) => it.name);

  it("gives each product its listing, and searches find it", async () => {
    await up();
    const { listing } = (await productModel.bind(db).findOne({ slug: "lamp-1" }).lean()) ?? {};
    assert.deepEqual(listing, {
      listedIn: [category],
      inStock: true,
      price: 101,
      name: "lamp 1",
      stocked: ["SKU-1"],
      labels: "lighting",
      words: "",
    });
    const newIndex = async () => new MemoryIndex(plainAnalyzer, "USD");
    const index = await followProducts(productModel.bind(db), newIndex, silentLog).index();
    assert.equal(index.size, MANY - 1, "all but the one off sale");
    const [one] = await products().find({ slug: "lamp-1" }).toArray();
    assert.equal(one?.writes, 2);
    for (const name of ["searchTokens", "listedIn", "byName", "byPrice", "byRating", "inStock"])
      assert.equal(await products().countDocuments({ [name]: { $exists: true } } as object), 0, name);
    assert.deepEqual(await indexes(), ["_id_", "slug", "sku", "category", "changed"]);
  });

  it("ends what an interrupted run has begun", async () => {
    await products().dropIndex("search");
    await products().updateOne({ _id: former(3)._id }, { $set: { changed: new Date(), listing: null } });
    await up();
    assert.equal(await products().countDocuments({ changed: { $exists: false } }), 0);
  });

  it("is followed by one that gives listings all words and the SKUs in stock", async () => {
    await up();
    const description = Array.from({ length: 60 }, (_, at) => `w${at}`).join(" ");
    // As an earlier version wrote them, with the first words only.
    const former = { $set: { description, "listing.words": "sku 1 w0" }, $unset: { "listing.stocked": 1 } };
    await products().updateMany({ listing: { $ne: null } } as object, former as object);
    const all = await migrationsOf(core.migrations?.products);
    assert.deepEqual(await migrateUp(db, all, "test", systemClock), ["0003-all-words"]);
    const { listing, writes } = (await productModel.bind(db).findOne({ slug: "lamp-1" }).lean()) ?? {};
    assert.deepEqual([listing?.words, listing?.stocked, writes], [description, ["SKU-1"], 3]);
    assert.equal(
      await products().countDocuments({ "listing.stocked": { $exists: true } } as object),
      MANY - 1,
    );
    assert.equal(await migrateDown(db, all, "test", systemClock), "0003-all-words");
    assert.equal(await products().countDocuments({ "listing.stocked": { $exists: true } } as object), 0);
    assert.deepEqual(await migrateUp(db, all, "test", systemClock), ["0003-all-words"]);
  });

  it("is reverted to what was there", async () => {
    const read = () =>
      products()
        .find({}, { projection: { writes: 0 } })
        .sort({ _id: 1 })
        .toArray();
    const [before, named] = [await read(), await indexes()];
    await up();
    assert.equal(await migrateDown(db, await migrations(), "test", systemClock), "0002-search-index");
    const after = await read();
    const sorted = (all: typeof before) =>
      all.map((it) => ({ ...it, searchTokens: (it.searchTokens as string[]).toSorted() }));
    assert.deepEqual(sorted(after), sorted(before));
    assert.deepEqual((await indexes()).sort(), named.sort());
    assert.ok((await up()).length > 0);
  });

  /** A product as it was stored before. The last one is off sale. */
  function former(at: number) {
    const _id = `018f0000-0000-7000-8000-${String(at).padStart(12, "0")}`;
    const onSale = at < MANY - 1;
    const stock = at === 1 ? "+" : "-";
    const lists = ["*", category].flatMap((it) => [it, it + stock]);
    const number = [String(at)].flatMap((it) =>
      Array.from(it.slice(1), (_, i) => it.slice(0, i + 2)).concat(it),
    );
    const beginnings = (word: string, from: number) =>
      Array.from({ length: word.length - from + 1 }, (_, i) => word.slice(0, from + i));
    const tokens = [...beginnings("lamp", 2), ...number, ...beginnings("lighting", 4), "sku"];
    return {
      _id,
      slug: `lamp-${at}`,
      name: `Lamp ${at}`,
      description: "",
      categoryIds: [category],
      images: [],
      rating: { average: 4.5, count: 3 },
      variants: [{ sku: `SKU-${at}`, price: { amount: 100 + at, currency: "USD" }, options: {} }],
      onSale,
      version: 1,
      writes: 1,
      createdAt: new Date(0),
      updatedAt: new Date(0),
      listedIn: onSale ? lists : [],
      searchTokens: onSale ? [...new Set(tokens)] : [],
      inStock: onSale && at === 1,
      byName: `lamp ${at}\u0001${_id}`,
      byPrice: `${String(100 + at).padStart(13, "0")} ${_id}`,
      byRating: `4.500 000000003 ${_id}`,
    };
  }

  const aCategory = {
    name: "Lighting",
    slug: "lighting",
    parentId: null,
    byName: "lighting",
    version: 1,
    uses: 0,
    claims: {},
  };
});

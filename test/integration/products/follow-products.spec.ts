import assert from "node:assert/strict";
import type { Connection } from "mongoose";
import { newId } from "../../../broker/contract/ids.ts";
import { migrateUp, migrationsOf } from "../../../broker/mongo/migrations.ts";
import { systemClock } from "../../../broker/resilience/clock.ts";
import { silentLog } from "../../../broker/resilience/silent-log.ts";
import core from "../../../services/index.ts";
import {
  changeProduct,
  createProduct,
  removeProduct,
} from "../../../services/products/catalogue/write-product.ts";
import { reindexProduct } from "../../../services/products/listing/reindex-product.ts";
import { categoryModel } from "../../../services/products/models/category.model.ts";
import { productModel } from "../../../services/products/models/product.model.ts";
import { stockLevelModel } from "../../../services/products/models/stock-level.model.ts";
import { type FollowedProducts, followProducts } from "../../../services/products/search/follow-products.ts";
import { MemoryIndex } from "../../../services/products/search/memory-index.ts";
import { newIndex as newIndexOf } from "../../../services/products/search/new-index.ts";
import { ThreadIndex } from "../../../services/products/search/thread-index.ts";
import { plainAnalyzer } from "../../../services/products/text/stemmer.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { quietLog } from "../../support/quiet-log.ts";
import { query } from "../../support/search/searched-products.ts";
import { type MemoryDatabase, openMemoryDatabase } from "../../support/servers/memory-database.ts";

describe("a search index that follows the database", () => {
  let database: MemoryDatabase;
  let db: Connection;
  let followed: FollowedProducts<MemoryIndex>;
  const newIndex = async () => new MemoryIndex(plainAnalyzer, "USD");

  beforeEach(async () => {
    database = await openMemoryDatabase();
    db = database.service("products");
    await migrateUp(db, await migrationsOf(core.migrations?.products), "test", systemClock);
    followed = followProducts(productModel.bind(db), newIndex, silentLog);
  });
  afterEach(async () => {
    await followed.stop();
    await database.close();
  });

  const tools = () => ({
    products: productModel.bind(db),
    categories: categoryModel.bind(db),
    stockLevels: stockLevelModel.bind(db),
    clock: systemClock,
  });
  let made = 0;
  const create = (name: string) =>
    createProduct(tools(), {
      name,
      description: "",
      categoryIds: [],
      images: [],
      variants: [{ sku: `SKU-${++made}`, price: { amount: 100, currency: "USD" }, options: {} }],
    });
  async function found(token: string): Promise<string[]> {
    const index = await followed.index();
    return index.search(query({ text: token, order: "newest", descending: false })).ids;
  }

  it("has what was there before and each write after, by whom ever", async () => {
    const before = await create("Old Lamp");
    assert.deepEqual(await found("lamp"), [before._id]);
    const after = await create("New Lamp");
    assert.deepEqual(await found("lamp"), [before._id, after._id]);
    await changeProduct(tools(), before._id, undefined, { name: "Chair" });
    assert.deepEqual([await found("lamp"), await found("chair")], [[after._id], [before._id]]);
    await removeProduct(tools(), after._id, undefined);
    assert.deepEqual(await found("lamp"), []);
  });

  it("has all of a catalogue that takes many pages to read, also what is written meanwhile", async () => {
    const { _id: seed, ...fields } =
      (await productModel
        .bind(db)
        .findById((await create("Lamp"))._id)
        .lean()) ?? {};
    assert.ok(seed);
    const many = Array.from({ length: 1_200 }, (_, at) => ({
      ...fields,
      _id: newId(),
      slug: `many-${at}`,
      variants: [{ sku: `MANY-${at}`, price: { amount: 100, currency: "USD" }, options: {} }],
    }));
    await productModel.bind(db).insertMany(many);
    followed.start();
    const [first] = many;
    await Promise.all([
      ...Array.from({ length: 20 }, () => create("Lamp")),
      removeProduct(tools(), first?._id ?? "", undefined),
    ]);
    const { size } = await followed.index();
    assert.equal(size, 1_220);
  });

  it("takes in what is written though nobody asks", async () => {
    const eager = followProducts(productModel.bind(db), newIndex, silentLog, 20);
    eager.start();
    const index = await eager.index();
    await create("Lamp");
    await eventually("it has the product", () => index.size === 1);
    await eager.stop();
  });

  it("is filled anew when it is worn, and follows on", async () => {
    const { _id } = await create("Lamp");
    const worn = await followed.index();
    for (let written = 0; written < 1_003; written++) {
      await reindexProduct(tools(), { _id });
      await followed.index();
    }
    await eventually("another index", async () => (await followed.index()) !== worn);
    const other = await create("Lamp");
    assert.deepEqual(await found("lamp"), [_id, other._id]);
  });

  it("moves to a thread of its own when the catalogue has become large", async () => {
    const products = productModel.bind(db);
    const settings = { SEARCH_LANGUAGE: "en", CURRENCY: "USD" } as const;
    const growing = followProducts(products, () => newIndexOf(products, settings, 2), silentLog);
    const lamps = async () => {
      const { ids } = await (await growing.index()).search(query({ text: "lamps" }));
      return ids.toSorted();
    };
    const all: string[] = [];
    for (let count = 1; count <= 5; count++) {
      all.push((await create(`Lamp ${count}`))._id);
      assert.deepEqual(await lamps(), all);
      if (count <= 4) assert.ok((await growing.index()) instanceof MemoryIndex);
    }
    await eventually("a thread", async () => (await growing.index()) instanceof ThreadIndex);
    all.push((await create("Lamp 6"))._id);
    assert.deepEqual(await lamps(), all);
    await growing.stop();
  });

  it("is filled anew after its thread has ended, and whoever asks meanwhile is told so", async () => {
    const { _id } = await create("Lamp");
    const threads: ThreadIndex[] = [];
    const inThread = async () => {
      const made = new ThreadIndex("en", "USD");
      threads.push(made);
      return made;
    };
    const broken = followProducts(productModel.bind(db), inThread, silentLog);
    const lost = await broken.index();
    const asked = assert.rejects(lost.search(query({ text: "lamp" })), /the search index has stopped/);
    await lost.stop();
    await asked;
    await assert.rejects(lost.search(query({ text: "lamp" })), /is being built/);
    const next = await broken.index();
    assert.notEqual(next, lost);
    assert.deepEqual((await next.search(query({ text: "lamp" }))).ids, [_id]);
    await broken.stop();
    assert.equal(threads.length, 2);
  });

  it("fails while the database is away, and reads then what it has missed", async () => {
    const { _id } = await create("Lamp");
    const { products } = tools();
    const broken = followProducts(failingOnce(products), newIndex, silentLog);
    await assert.rejects(broken.index(), /away/);
    assert.equal((await broken.index()).size, 1);
    await changeProduct(tools(), _id, undefined, { name: "Chair" });
    assert.equal((await broken.index()).size, 1);
  });

  it("says nothing of what a stop interrupts", async () => {
    await create("Lamp");
    const log = quietLog();
    const stopped = followProducts(productModel.bind(db), newIndex, log);
    stopped.start();
    void stopped.stop();
    await assert.rejects(stopped.index());
    assert.deepEqual(log.lines, []);
  });

  /** A model whose first query finds no database. */
  function failingOnce(products: ReturnType<typeof productModel.bind>): typeof products {
    let failed = false;
    return new Proxy(products, {
      get(model, name, receiver) {
        if (name !== "find" || failed) return Reflect.get(model, name, receiver);
        failed = true;
        throw new Error("away");
      },
    });
  }
});

import assert from "node:assert/strict";
import { isEmptyCatalogue, seedCatalogue } from "../../../scripts/support/catalogue/seed-catalogue.ts";
import inventory from "../../../services/inventory/inventory.service.ts";
import { productModel } from "../../../services/products/models/product.model.ts";
import products from "../../../services/products/products.service.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { type ServicesNode, startServices } from "../../support/shop/services-node.ts";

describe("seeding", () => {
  let node: ServicesNode;
  before(async () => {
    node = await startServices([products, inventory]);
  });
  after(() => node.close());

  const seed = (count: number, onProgress?: (done: number, total: number) => void) =>
    seedCatalogue({
      products: node.runtime.database("products"),
      inventory: node.runtime.database("inventory"),
      count,
      currency: "EUR",
      ...(onProgress ? { onProgress } : {}),
    });
  const stored = async () =>
    (await productModel.bind(node.runtime.database("products")).find({}, { _id: 1 }).lean()).length;

  it("fills an empty shop, telling how far it is", async () => {
    assert.equal(await isEmptyCatalogue(node.runtime.database("products")), true);
    const told: number[] = [];
    const { products: added } = await seed(450, (done) => told.push(done));
    assert.equal(added, 450);
    assert.equal(told.length, 3);
    assert.deepEqual(
      told,
      told.toSorted((a, b) => a - b),
    );
    assert.equal(told.at(-1), 450);
    assert.equal(await stored(), 450);
    assert.equal(await isEmptyCatalogue(node.runtime.database("products")), false);
  });

  it("adds nothing when it is done again, and what is missing when more are wanted", async () => {
    assert.deepEqual(await seed(450), { products: 0, stockItems: 0 });
    assert.equal((await seed(500)).products, 50);
    assert.equal(await stored(), 500);
  });

  it("makes products that can be found, priced and stocked through the services", async () => {
    const { items } = await node.call("products.list", { q: "lamp", inStock: true, limit: 5 });
    assert.equal(items.length, 5);
    for (const { variants, name } of items) {
      assert.match(name, /Lamp/);
      assert.ok(variants.some((it) => it.available > 0));
      const skus = variants.map((it) => it.sku);
      const priced = await node.call("products.variants", { skus });
      assert.deepEqual(new Set(priced.map((it) => it.sku)), new Set(skus));
      assert.ok(priced.every((it) => it.price.currency === "EUR"));
    }
    const { items: categories } = await node.call("products.listCategories", { limit: 100 });
    assert.equal(categories.length, 14);
    assert.ok((await node.call("products.list", { category: "home" })).items.length > 0);
  });

  it("leaves stock that sells out to inventory's messages", async () => {
    const { items } = await node.call("products.list", { inStock: true, limit: 100 });
    const single = items.find((it) => it.variants.length === 1);
    const [variant] = single?.variants ?? [];
    assert.ok(single && variant);
    const delta = -variant.available;
    await node.call("inventory.adjust", { sku: variant.sku, delta, reason: "sold out" });
    await eventually("the product among those out of stock", async () => {
      const product = await productModel.bind(node.runtime.database("products")).findById(single.id).lean();
      return product?.listing?.inStock === false;
    });
  });
});

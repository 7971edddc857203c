import assert from "node:assert/strict";
import { type EmbeddedMongo, startEmbeddedMongo } from "@souk/embedded-mongo";
import type { Service } from "moleculer";
import { MongoNetworkError } from "mongodb";
import { SoukError } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { collectionOf } from "../../../broker/mongo/documents.ts";
import { VariantReads } from "../../../services/products/catalogue/read-variants.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { aProduct, type Catalogue, failure, startCatalogue } from "./support.ts";

const usd = (amount: number) => ({ amount, currency: "USD" });

describe("the products service", () => {
  let shop: Catalogue;
  before(async () => {
    shop = await startCatalogue();
  });
  after(() => shop.close());

  const create = (given = {}) => shop.call("products.create", aProduct(given));
  const get = (id: string) => shop.call("products.get", { id });

  describe("adding a product", () => {
    it("shows it by id and slug, with the units available", async () => {
      shop.stock.set("TEE-M", 7);
      const product = await create({
        name: "Crème Tee",
        description: "Soft.",
        images: ["https://images.example/tee.jpg"],
        variants: [
          { sku: "TEE-M", price: usd(1_999), options: { size: "M" } },
          { sku: "TEE-L", price: usd(2_199), options: { size: "L" } },
        ],
      });
      assert.equal(product.slug, "creme-tee");
      assert.equal(product.version, 1);
      assert.deepEqual(product.rating, { average: 0, count: 0 });
      assert.deepEqual(product.variants, [
        { sku: "TEE-M", price: usd(1_999), options: { size: "M" }, available: 7 },
        { sku: "TEE-L", price: usd(2_199), options: { size: "L" }, available: 0 },
      ]);
      assert.deepEqual(await get(product.id), product);
      assert.deepEqual(await get("creme-tee"), product);
    });

    it("gives each of several with one name a slug of its own", async () => {
      const all = await Promise.all([1, 2, 3].map(() => create({ name: "Same Name" })));
      const slugs = all.map((it) => it.slug);
      assert.equal(new Set(slugs).size, 3);
      for (const slug of slugs) assert.match(slug, /^same-name(-[a-z0-9]{5})?$/);
    });

    it("lets one of two at once have a slug that both ask for", async () => {
      const results = await Promise.allSettled([1, 2].map(() => create({ slug: "wanted" })));
      const codes = results.map((it) => (it.status === "fulfilled" ? "ok" : (it.reason as SoukError).type));
      assert.deepEqual(codes.sort(), ["SLUG_TAKEN", "ok"]);
    });

    it("lets one of several at once have a SKU", async () => {
      const variants = [{ sku: "ONE-SKU", price: usd(1) }];
      const results = await Promise.allSettled([1, 2, 3].map(() => create({ variants })));
      const codes = results.map((it) => (it.status === "fulfilled" ? "ok" : (it.reason as SoukError).type));
      assert.deepEqual(codes.sort(), ["SKU_TAKEN", "SKU_TAKEN", "ok"]);
    });

    it("refuses one SKU twice in a product, naming the field", async () => {
      const variant = { sku: "TWICE", price: usd(1) };
      await assert.rejects(create({ variants: [variant, variant] }), (error) => {
        assert.ok(error instanceof SoukError);
        assert.equal(error.type, "VALIDATION_FAILED");
        assert.match(JSON.stringify(error.data), /variants\.1\.sku/);
        return true;
      });
    });

    it("refuses a category that does not exist", async () => {
      assert.equal(await failure(create({ categoryIds: [newId()] })), "VALIDATION_FAILED");
    });

    for (const extra of [
      { rating: { average: 5, count: 1 } },
      { version: 9 },
      { onSale: true },
      { listedIn: ["*"] },
      { listing: null },
      { id: newId() },
      { $set: { name: "x" } },
    ])
      it(`refuses ${Object.keys(extra)} in the request`, async () => {
        const name = `Never ${Object.keys(extra)}`;
        assert.equal(await failure(create({ name, ...extra })), "VALIDATION_FAILED");
        assert.equal(await shop.documents().exists({ name }), null);
      });
  });

  describe("changing a product", () => {
    it("replaces all of it but its slug, and counts its version", async () => {
      const { id, slug } = await create({ name: "Before", description: "old" });
      const input = aProduct({ name: "After" });
      const after = await shop.call("products.replace", { id, ...input });
      assert.deepEqual(
        { name: after.name, description: after.description, slug: after.slug, version: after.version },
        { name: "After", description: "", slug, version: 2 },
      );
      assert.deepEqual(await get(id), after);
    });

    it("changes only the fields given", async () => {
      const before = await create({ name: "Lamp", description: "bright" });
      const after = await shop.call("products.update", { id: before.id, name: "Big Lamp" });
      assert.deepEqual(after, { ...before, name: "Big Lamp", version: 2 });
    });

    it("is refused when the product is not the one that was read", async () => {
      const { id } = await create();
      const change = (ifMatch: number) => shop.call("products.update", { id, name: "Changed" }, { ifMatch });
      await change(1);
      assert.equal(await failure(change(1)), "VERSION_MISMATCH");
      assert.equal(await failure(shop.call("products.remove", { id }, { ifMatch: 1 })), "VERSION_MISMATCH");
    });

    it("lets one of several at once through that read the same version", async () => {
      const { id } = await create();
      const changes = Array.from({ length: 6 }, (_, n) =>
        shop.call("products.update", { id, name: `Name ${n}` }, { ifMatch: 1 }),
      );
      const done = (await Promise.allSettled(changes)).filter((it) => it.status === "fulfilled");
      assert.equal(done.length, 1);
      assert.equal((await get(id)).version, 2);
    });

    it("loses none of several at once that ask for no version", async () => {
      const { id } = await create();
      const fields = [
        { name: "N" },
        { description: "D" },
        { slug: `s-${id}` },
        { images: ["https://images.example/1"] },
      ];
      await Promise.all(fields.map((it) => shop.call("products.update", { id, ...it })));
      const after = await get(id);
      assert.deepEqual(
        [after.name, after.description, after.slug, after.images.length],
        ["N", "D", `s-${id}`, 1],
      );
      assert.equal(after.version, 5);
    });

    it("can't take another product's SKU or slug", async () => {
      const { id } = await create();
      const other = await create();
      const sku = other.variants[0]?.sku ?? "";
      const variants = [{ sku, price: usd(1) }];
      assert.equal(await failure(shop.call("products.update", { id, variants })), "SKU_TAKEN");
      assert.equal(await failure(shop.call("products.update", { id, slug: other.slug })), "SLUG_TAKEN");
    });

    it("answers NOT_FOUND for one that is not there", async () => {
      const codes = await Promise.all(
        [
          get(newId()),
          get("no-such-slug"),
          shop.call("products.update", { id: newId(), name: "x" }),
          shop.call("products.replace", { id: newId(), ...aProduct() }),
          shop.call("products.remove", { id: newId() }),
        ].map(failure),
      );
      assert.deepEqual(new Set(codes), new Set(["NOT_FOUND"]));
    });
  });

  describe("taking a product off sale", () => {
    it("hides it everywhere, and keeps its slug and SKUs from others", async () => {
      const { id, slug, variants } = await create({ name: "Goner Gadget" });
      const sku = variants[0]?.sku ?? "";
      await shop.call("products.remove", { id });
      assert.equal(await failure(get(id)), "NOT_FOUND");
      assert.equal(await failure(get(slug)), "NOT_FOUND");
      assert.deepEqual((await shop.call("products.list", { q: "goner" })).items, []);
      assert.deepEqual(await shop.call("products.variants", { skus: [sku] }), []);
      assert.equal(await failure(create({ slug })), "SLUG_TAKEN");
      assert.equal(await failure(create({ variants: [{ sku, price: usd(1) }] })), "SKU_TAKEN");
      assert.equal(await failure(shop.call("products.remove", { id })), "NOT_FOUND");
    });
  });

  describe("variants for cart and checkout", () => {
    it("come with name, price and what a page shows of them, without those not on sale", async () => {
      const product = await create({
        name: "Shirt",
        variants: [
          { sku: "SH-1", price: usd(100), options: { colour: "red", size: "M" } },
          { sku: "SH-2", price: usd(200), options: { colour: "red", size: "L" } },
        ],
      });
      const single = await create({
        name: "Mug",
        images: ["https://x.test/1.jpg", "https://x.test/2.jpg"],
        variants: [{ sku: "MUG-1", price: usd(5), options: {} }],
      });
      const found = await shop.call("products.variants", { skus: ["SH-2", "MUG-1", "NOPE", "SH-2"] });
      assert.deepEqual(
        found.toSorted((a, b) => (a.sku < b.sku ? -1 : 1)),
        [
          {
            sku: "MUG-1",
            productId: single.id,
            slug: single.slug,
            name: "Mug",
            price: usd(5),
            options: {},
            image: "https://x.test/1.jpg",
          },
          {
            sku: "SH-2",
            productId: product.id,
            slug: product.slug,
            name: "Shirt (red, L)",
            price: usd(200),
            options: { colour: "red", size: "L" },
            image: null,
          },
        ],
      );
    });

    const priceAt = async (node: Catalogue, sku: string, latest = false) =>
      (await node.call("products.variants", { skus: [sku], latest }))[0]?.price.amount;

    it("have a new price at once on the node that changed it", async () => {
      const { id } = await create({ variants: [{ sku: "PRICED", price: usd(100) }] });
      for (const amount of [150, 175, 200]) {
        await shop.call("products.update", { id, variants: [{ sku: "PRICED", price: usd(amount) }] });
        const both = [await priceAt(shop, "PRICED"), await priceAt(shop, "PRICED", true)];
        assert.deepEqual(both, [amount, amount]);
      }
    });

    it("have the price of a change whose answer was lost", async () => {
      const { id } = await create({ variants: [{ sku: "LOST", price: usd(100) }] });
      assert.equal(await priceAt(shop, "LOST", true), 100);
      const service: Service & { models?: { products: ReturnType<Catalogue["documents"]> } } =
        shop.broker.getLocalService("products");
      const { products } = service.models ?? assert.fail("it has models");
      const { updateOne } = products;
      Object.assign(products, {
        async updateOne(...args: Parameters<typeof updateOne>) {
          await updateOne.apply(products, args);
          throw new MongoNetworkError("the connection is lost");
        },
      });
      try {
        const change = { id, variants: [{ sku: "LOST", price: usd(150) }] };
        assert.equal(await failure(shop.call("products.update", change)), "UNAVAILABLE");
      } finally {
        Object.assign(products, { updateOne });
      }
      assert.equal(await priceAt(shop, "LOST", true), 150);
    });

    it("are found soon after a script has added them", async () => {
      assert.equal(await priceAt(shop, "SEEDED", true), undefined);
      const { id } = await create();
      const product = await shop.documents().findById(id).lean();
      const variants = [{ sku: "SEEDED", price: usd(5), options: {} }];
      await shop.documents().create({ ...product, _id: newId(), slug: "seeded", variants });
      await eventually("it", async () => (await priceAt(shop, "SEEDED", true)) === 5, 3_000);
    });

    it("are read for many requests in one query", async () => {
      const all = await Promise.all(Array.from({ length: 20 }, () => create()));
      const products = collectionOf(shop.documents());
      let queries = 0;
      const reads = new VariantReads({
        find(filter, options) {
          queries++;
          return products.find(filter, options);
        },
      });
      const found = await Promise.all(all.map((it) => reads.getMany(it.variants.map(({ sku }) => sku))));
      assert.deepEqual(
        found.map((it) => [...it.values()].map(({ productId }) => productId)),
        all.map((it) => [it.id]),
      );
      assert.equal(queries, 1);
    });

    describe("on two nodes", () => {
      let store: EmbeddedMongo;
      let [here, there]: Catalogue[] = [];
      const nodes = () => {
        assert.ok(here && there);
        return { here, there };
      };
      before(async () => {
        store = await startEmbeddedMongo({ dir: ":memory:" });
        here = await startCatalogue({ MONGO_URL: store.uri });
        // Nothing tells it of changes.
        there = await startCatalogue({ MONGO_URL: store.uri });
      });
      after(async () => {
        await here?.close();
        await there?.close();
        await store.close();
      });

      it("have the price of now for a checkout, though nobody told of its change", async () => {
        const { here, there } = nodes();
        const priced = (amount: number) => ({ variants: [{ sku: "FAR", price: usd(amount) }] });
        assert.equal(await priceAt(there, "FAR"), undefined);
        const { id } = await here.call("products.create", aProduct(priced(100)));
        assert.equal(await priceAt(there, "FAR", true), 100);
        for (const amount of [150, 175, 200]) {
          await here.call("products.update", { id, ...priced(amount) });
          assert.equal(await priceAt(there, "FAR", true), amount);
        }
        await here.call("products.remove", { id });
        assert.equal(await priceAt(there, "FAR", true), undefined);
      });

      it("have the price of now within a second for a cart", async () => {
        const { here, there } = nodes();
        const priced = (amount: number) => ({ variants: [{ sku: "NEAR", price: usd(amount) }] });
        const { id } = await here.call("products.create", aProduct(priced(100)));
        assert.equal(await priceAt(there, "NEAR"), 100);
        await here.call("products.update", { id, ...priced(175) });
        const changed = Date.now();
        await eventually(
          "the price another node has set",
          async () => (await priceAt(there, "NEAR")) === 175,
          3_000,
        );
        assert.ok(Date.now() - changed < 2_000);
      });
    });
  });

  describe("stock in the catalogue", () => {
    const shown = async (id: string) =>
      (await shop.call("products.list", { inStock: true, limit: 100 })).items.some((it) => it.id === id);
    const flag = async (id: string) => (await shop.documents().findById(id).lean())?.listing?.inStock;

    it("follows what inventory says, in the order of its revisions", async () => {
      const { id, variants } = await create();
      const sku = variants[0]?.sku ?? "";
      assert.equal(await flag(id), false);
      await shop.say("stock.replenished", sku, 1);
      assert.equal(await flag(id), true);
      await shop.say("stock.replenished", sku, 3);
      await shop.say("stock.depleted", sku, 2);
      assert.equal(await flag(id), true);
      await shop.say("stock.depleted", sku, 4);
      await shop.say("stock.depleted", sku, 4);
      assert.equal(await flag(id), false);
      assert.equal((await get(id)).version, 1, "stock is no change of the product");
    });

    it("follows the later of two messages that both are the first of a SKU", async () => {
      const skus = Array.from({ length: 20 }, (_, n) => `FIRST-${n}`);
      const created = await Promise.all(skus.map((sku) => create({ variants: [{ sku, price: usd(1) }] })));
      await Promise.all(
        skus.flatMap((sku) => [shop.say("stock.depleted", sku, 1), shop.say("stock.replenished", sku, 2)]),
      );
      assert.deepEqual(
        await Promise.all(created.map((it) => flag(it.id))),
        skus.map(() => true),
      );
    });

    it("is there while any variant has some", async () => {
      const { id } = await create({ variants: ["ANY-1", "ANY-2"].map((sku) => ({ sku, price: usd(1) })) });
      await shop.say("stock.replenished", "ANY-1", 1);
      await shop.say("stock.replenished", "ANY-2", 1);
      await shop.say("stock.depleted", "ANY-1", 2);
      assert.equal(await flag(id), true);
      await shop.say("stock.depleted", "ANY-2", 2);
      assert.equal(await flag(id), false);
    });

    it("is known of a SKU that inventory had before the catalogue, and of one added later", async () => {
      await shop.say("stock.replenished", "EARLY", 1);
      const early = await create({ variants: [{ sku: "EARLY", price: usd(1) }] });
      assert.equal(await flag(early.id), true);
      await shop.say("stock.replenished", "LATER", 1);
      const { id } = await create();
      await shop.call("products.update", { id, variants: [{ sku: "LATER", price: usd(1) }] });
      assert.equal(await flag(id), true);
      await eventually("the list to show it", () => shown(id));
    });

    it("is right after product and stock changed at once", async () => {
      const { id } = await create({ variants: [{ sku: "RACE-A", price: usd(1) }] });
      for (let revision = 1; revision <= 20; revision++) {
        const inStock = revision % 2 === 1;
        await Promise.all([
          shop.say(inStock ? "stock.replenished" : "stock.depleted", "RACE-B", revision),
          shop.call("products.update", {
            id,
            variants: [{ sku: inStock ? "RACE-B" : "RACE-A", price: usd(1) }],
          }),
          shop.call("products.update", { id, name: `Race ${revision}` }),
        ]);
        const product = await shop.documents().findById(id).lean();
        assert.equal(product?.listing?.inStock, inStock, `after ${revision}`);
      }
      await eventually("it to be gone from the list", async () => !(await shown(id)), 8_000);
    });
  });

  describe("units available", () => {
    it("are asked for once per page, and shown fresh within a second", async () => {
      const { id, variants } = await create({ name: "Fresh" });
      const sku = variants[0]?.sku ?? "";
      shop.stock.set(sku, 3);
      await eventually("3 available", async () => (await get(id)).variants[0]?.available === 3, 3_000);
      shop.inventoryCalls.length = 0;
      await Promise.all(Array.from({ length: 50 }, () => shop.call("products.list", { limit: 50 })));
      assert.ok(shop.inventoryCalls.length <= 1, `${shop.inventoryCalls.length} calls`);
    });

    it("are the last known while inventory is away, and a failure where none are known", async () => {
      const known = await create({ name: "Known" });
      const sku = known.variants[0]?.sku ?? "";
      shop.stock.set(sku, 5);
      await eventually("5 available", async () => (await get(known.id)).variants[0]?.available === 5, 3_000);
      shop.inventoryAway = true;
      try {
        shop.stock.set(sku, 4);
        const asked = shop.inventoryCalls.length;
        await eventually("inventory to be asked again", async () => {
          assert.equal((await get(known.id)).variants[0]?.available, 5);
          return shop.inventoryCalls.length > asked;
        });
        const unknown = await shop.documents().findOne({ slug: known.slug }).lean();
        await shop
          .documents()
          .create({ ...unknown, _id: newId(), slug: "unseen", variants: [{ sku: "UNSEEN", price: usd(1) }] });
        assert.equal(await failure(get("unseen")), "UNAVAILABLE");
      } finally {
        shop.inventoryAway = false;
      }
      assert.equal((await get("unseen")).variants[0]?.available, 0);
    });
  });
});

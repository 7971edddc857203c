import assert from "node:assert/strict";
import mongoose, { type Connection } from "mongoose";
import { useMessagePort } from "../../src/port/driver.ts";
import { onEachTransport, type Started, startStore } from "../support/with-store.ts";

onEachTransport("mongoose on the embedded store", (transport) => {
  let store: Started;
  let client: Connection;
  let connection: Connection;
  before(async () => {
    store = await startStore(transport);
    client = await mongoose.createConnection(store.uri, { autoIndex: false }).asPromise();
    if (transport === "message port") useMessagePort(client.getClient(), store.uri);
    connection = client.useDb("souk_products");
  });
  after(async () => {
    await client.close();
    await store.stop();
  });

  it("creates, syncs and lists indexes, saves, populates and counts", async () => {
    const category = new mongoose.Schema({ name: { type: String, required: true } });
    const product = new mongoose.Schema(
      {
        slug: { type: String, unique: true },
        price: { type: Number, index: true },
        category: { type: mongoose.Schema.Types.ObjectId, ref: "Category" },
        variants: [{ sku: String, stock: Number }],
        options: { type: Map, of: String },
      },
      { timestamps: true, optimisticConcurrency: true },
    );
    const Category = connection.model("Category", category);
    const Product = connection.model("Product", product);
    await Product.createIndexes();
    assert.deepEqual((await Product.listIndexes()).map((index) => index.name).sort(), [
      "_id_",
      "price_1",
      "slug_1",
    ]);
    assert.deepEqual(await Product.syncIndexes(), []);

    const tea = await Category.create({ name: "Tea" });
    const made = await Product.create({
      slug: "green",
      price: 5,
      category: tea.id,
      variants: [{ sku: "g1", stock: 3 }],
      options: { size: "m" },
    });
    await assert.rejects(Product.create({ slug: "green" }), /E11000/);
    const stale = await Product.findById(made.id).orFail();
    made.price = 6;
    made.variants.push({ sku: "g2", stock: 1 });
    await made.save();
    stale.price = 7;
    await assert.rejects(stale.save(), { name: "VersionError" });

    const found = await Product.findOne({ slug: "green" })
      .populate<{ category: { name: string } }>("category")
      .lean()
      .orFail();
    assert.equal(found.category.name, "Tea");
    assert.equal(found.variants.length, 2);
    assert.equal(await Product.countDocuments({ price: mongoose.trusted({ $gte: 6 }) }), 1);
    assert.equal(await Product.estimatedDocumentCount(), 1);
    const changed = await Product.findOneAndUpdate(
      { slug: "green", "variants.sku": "g2" },
      { $inc: { "variants.$.stock": 4 } },
      { returnDocument: "after" },
    ).lean();
    assert.equal(changed?.variants[1]?.stock, 5);
    const [sum] = await Product.aggregate([
      { $unwind: "$variants" },
      { $group: { _id: null, stock: { $sum: "$variants.stock" } } },
    ]);
    assert.equal(sum.stock, 8);
    assert.deepEqual(await Product.distinct("variants.sku"), ["g1", "g2"]);
    await Product.deleteMany({});
    assert.equal(await Product.exists({}), null);
  });
});

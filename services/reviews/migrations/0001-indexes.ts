/** One review per customer and product, and an index for each list. */
import type { Migration } from "../../../broker/mongo/migrations.ts";
import { WRITES } from "../writing/hourly-limit.ts";

const migration: Migration = {
  async up(db) {
    await db.collection("reviews").createIndexes([
      { name: "slot", key: { slot: 1 }, unique: true, sparse: true },
      { name: "customer", key: { customerId: 1 } },
      { name: "product_newest", key: { productId: 1, status: 1, _id: -1 } },
      { name: "product_rating", key: { productId: 1, status: 1, rating: -1, _id: -1 } },
      { name: "status", key: { status: 1, _id: -1 } },
      { name: "purge", key: { purgeAt: 1 }, expireAfterSeconds: 0 },
      { name: "outbox", key: { "outbox.at": 1 }, sparse: true },
    ]);
    await db.collection("purchases").createIndexes([{ name: "customer", key: { customerId: 1 } }]);
    await db
      .collection(WRITES)
      .createIndexes([{ name: "expiry", key: { expiresAt: 1 }, expireAfterSeconds: 0 }]);
  },
  async down(db) {
    for (const name of ["slot", "customer", "product_newest", "product_rating", "status", "purge", "outbox"])
      await db.collection("reviews").dropIndex(name);
    await db.collection("purchases").dropIndex("customer");
    await db.dropCollection(WRITES);
  },
};
export default migration;

/** Staff list what is low, and the movements of a SKU, the latest first. */
import type { Migration } from "../../../broker/mongo/migrations.ts";

const migration: Migration = {
  async up(db) {
    await db.collection("stock").createIndex({ "state.low": 1, _id: 1 }, { name: "low" });
    const ledger = db.collection("ledger");
    await ledger.createIndex({ sku: 1, at: -1, _id: -1 }, { name: "movements" });
    // The longer one serves its queries.
    if ((await ledger.indexes()).some((it) => it.name === "sku")) await ledger.dropIndex("sku");
  },
  async down(db) {
    const ledger = db.collection("ledger");
    await ledger.createIndex({ sku: 1, at: -1 }, { name: "sku" });
    await ledger.dropIndex("movements");
    await db.collection("stock").dropIndex("low");
  },
};
export default migration;

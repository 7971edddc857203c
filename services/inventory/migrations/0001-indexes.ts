/** Indexes of the ledger. */
import type { Migration } from "../../../broker/mongo/migrations.ts";

const migration: Migration = {
  async up(db) {
    await db.collection("ledger").createIndexes([{ name: "sku", key: { sku: 1, at: -1 } }]);
  },
  async down(db) {
    await db.collection("ledger").dropIndex("sku");
  },
};
export default migration;

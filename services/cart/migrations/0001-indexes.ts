/** Carts expire when they were not changed for a while. */
import type { Migration } from "../../../broker/mongo/migrations.ts";

const migration: Migration = {
  async up(db) {
    await db
      .collection("carts")
      .createIndexes([{ name: "expiry", key: { expiresAt: 1 }, expireAfterSeconds: 0 }]);
  },
  async down(db) {
    await db.collection("carts").dropIndex("expiry");
  },
};

export default migration;

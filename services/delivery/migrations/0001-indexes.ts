/** One delivery per order. */
import type { Migration } from "../../../broker/mongo/migrations.ts";

const migration: Migration = {
  async up(db) {
    await db
      .collection("delivery")
      .createIndexes([{ name: "order", key: { "state.orderId": 1 }, unique: true }]);
  },
  async down(db) {
    await db.collection("delivery").dropIndex("order");
  },
};
export default migration;

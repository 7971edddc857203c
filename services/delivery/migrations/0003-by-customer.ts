/** Deliveries of a customer, who may be erased or ask for their data. */
import type { Migration } from "../../../broker/mongo/migrations.ts";

const migration: Migration = {
  async up(db) {
    await db.collection("delivery").createIndex({ "state.customerId": 1, _id: -1 }, { name: "customer" });
  },
  async down(db) {
    await db.collection("delivery").dropIndex("customer");
  },
};
export default migration;

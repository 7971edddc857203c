/** Indexes of orders: lists by customer and by status, unique numbers. */
import type { Migration } from "../../../broker/mongo/migrations.ts";

const migration: Migration = {
  async up(db) {
    await db.collection("orders").createIndexes([
      { name: "customer", key: { "state.customerId": 1, _id: -1 } },
      { name: "status", key: { "state.status": 1, _id: -1 } },
      { name: "number", key: { "state.number": 1 }, unique: true },
    ]);
  },
  async down(db) {
    for (const name of ["customer", "status", "number"]) await db.collection("orders").dropIndex(name);
  },
};
export default migration;

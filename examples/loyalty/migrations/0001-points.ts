/** Customers by their points, for reports. What the actor and the idempotency keys need follows from the contract. */
import type { Migration } from "souk";

const migration: Migration = {
  async up(db) {
    await db.collection("points").createIndexes([{ name: "balance", key: { "state.balance": -1 } }]);
  },
  async down(db) {
    await db.collection("points").dropIndex("balance");
  },
};
export default migration;

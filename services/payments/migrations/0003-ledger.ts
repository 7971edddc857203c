/** Indexes of the ledger (newest first, and per payment) and of payments that could not be opened yet. */
import type { Migration } from "../../../broker/mongo/migrations.ts";

const migration: Migration = {
  async up(db) {
    await db.collection("ledger").createIndexes([
      { name: "newest", key: { at: -1, _id: -1 } },
      { name: "payment", key: { paymentId: 1, at: -1, _id: -1 } },
    ]);
    await db
      .collection("payments")
      .createIndexes([{ name: "opening", key: { "state.opening.failures": 1 }, sparse: true }]);
  },
  async down(db) {
    await db.collection("payments").dropIndex("opening");
    for (const name of ["newest", "payment"]) await db.collection("ledger").dropIndex(name);
  },
};

export default migration;

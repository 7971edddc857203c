/** Staff list returns by status, newest first. The answer of a payment finds the return of its refund. */
import type { Migration } from "../../../broker/mongo/migrations.ts";

const migration: Migration = {
  async up(db) {
    await db.collection("returns").createIndexes([
      { name: "status", key: { "state.status": 1, _id: -1 } },
      {
        name: "refund",
        key: { "state.refund.id": 1 },
        unique: true,
        partialFilterExpression: { "state.refund.id": { $type: "string" } },
      },
    ]);
  },
  async down(db) {
    for (const name of ["status", "refund"]) await db.collection("returns").dropIndex(name);
  },
};
export default migration;

/** Indexes of stock items (outbox sweep, timers) and of the ledger. */
import { createActorIndexes, dropActorIndexes } from "../../../broker/actor/runtime/document/actor-model.ts";
import type { Migration } from "../../../broker/mongo/migrations.ts";

const migration: Migration = {
  async up(db) {
    await createActorIndexes(db, "stock");
    await db.collection("ledger").createIndexes([{ name: "sku", key: { sku: 1, at: -1 } }]);
  },
  async down(db) {
    await db.collection("ledger").dropIndex("sku");
    await dropActorIndexes(db, "stock");
  },
};
export default migration;

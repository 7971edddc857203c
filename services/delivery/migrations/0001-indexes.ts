/** Indexes of deliveries: outbox sweep, timers, and the one delivery of an order. */
import { createActorIndexes, dropActorIndexes } from "../../../broker/actor/runtime/document/actor-model.ts";
import type { Migration } from "../../../broker/mongo/migrations.ts";

const migration: Migration = {
  async up(db) {
    await createActorIndexes(db, "delivery");
    await db
      .collection("delivery")
      .createIndexes([{ name: "order", key: { "state.orderId": 1 }, unique: true }]);
  },
  async down(db) {
    await db.collection("delivery").dropIndex("order");
    await dropActorIndexes(db, "delivery");
  },
};
export default migration;

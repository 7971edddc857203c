/** Indexes of orders: outbox sweep, timers, lists by customer and by status, unique numbers, idempotency keys. */
import { createActorIndexes, dropActorIndexes } from "../../../broker/actor/runtime/document/actor-model.ts";
import { dropIdempotencyIndexes, idempotencyIndexes } from "../../../broker/mongo/idempotency.ts";
import type { Migration } from "../../../broker/mongo/migrations.ts";

const migration: Migration = {
  async up(db) {
    await createActorIndexes(db, "orders");
    await db.collection("orders").createIndexes([
      { name: "customer", key: { "state.customerId": 1, _id: -1 } },
      { name: "status", key: { "state.status": 1, _id: -1 } },
      { name: "number", key: { "state.number": 1 }, unique: true },
    ]);
    await idempotencyIndexes(db);
  },
  async down(db) {
    await dropIdempotencyIndexes(db);
    for (const name of ["customer", "status", "number"]) await db.collection("orders").dropIndex(name);
    await dropActorIndexes(db, "orders");
  },
};
export default migration;

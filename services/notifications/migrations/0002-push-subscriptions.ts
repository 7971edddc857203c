/** A browser that subscribes for another user is found by its address, and leaves the first one. */
import type { Migration } from "../../../broker/mongo/migrations.ts";

const migration: Migration = {
  async up(db) {
    await db.collection("push_subscriptions").createIndex({ "items.endpoint": 1 }, { name: "endpoint" });
  },
  async down(db) {
    await db.collection("push_subscriptions").dropIndex("endpoint");
  },
};
export default migration;

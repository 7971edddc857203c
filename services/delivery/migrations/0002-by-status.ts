/** Staff list deliveries by status, newest first. */
import type { Migration } from "../../../broker/mongo/migrations.ts";

const migration: Migration = {
  async up(db) {
    await db.collection("delivery").createIndex({ "state.status": 1, _id: -1 }, { name: "status" });
  },
  async down(db) {
    await db.collection("delivery").dropIndex("status");
  },
};
export default migration;

/** Endpoints by status; deliveries that are due, in their lanes, and as lists; what is removed by its age. */
import type { Migration } from "../../../broker/mongo/migrations.ts";

const KEPT_EVENTS_S = 3_600;

const migration: Migration = {
  async up(db) {
    await db.collection("endpoint").createIndex({ "state.status": 1, _id: -1 }, { name: "status" });
    await db.collection("deliveries").createIndexes([
      { name: "due", key: { endpointId: 1, dueAt: 1 } },
      { name: "lane", key: { endpointId: 1, lane: 1, status: 1, position: 1 } },
      { name: "list", key: { endpointId: 1, position: -1 } },
      { name: "status", key: { endpointId: 1, status: 1, position: -1 } },
      { name: "age", key: { keptUntil: 1 }, expireAfterSeconds: 0 },
    ]);
    await db.collection("resends").createIndex({ status: 1, endpointId: 1 }, { name: "status" });
    await db.collection("events").createIndex({ at: 1 }, { name: "age", expireAfterSeconds: KEPT_EVENTS_S });
  },
  async down(db) {
    await db.collection("endpoint").dropIndex("status");
    for (const name of ["due", "lane", "list", "status", "age"])
      await db.collection("deliveries").dropIndex(name);
    await db.collection("resends").dropIndex("status");
    await db.collection("events").dropIndex("age");
  },
};
export default migration;

/** Deliveries about a person, who may be erased. */
import type { Migration } from "../../../broker/mongo/migrations.ts";

const migration: Migration = {
  async up(db) {
    await db.collection("deliveries").createIndex({ person: 1 }, { name: "person", sparse: true });
  },
  async down(db) {
    await db.collection("deliveries").dropIndex("person");
  },
};
export default migration;

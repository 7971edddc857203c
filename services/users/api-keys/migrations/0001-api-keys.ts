import type { Migration } from "../../../../broker/mongo/migrations.ts";

/** For the number of keys that a user has made, and for their end with the user. */
const migration: Migration = {
  async up(db) {
    await db.collection("api_keys").createIndexes([{ name: "creator", key: { createdBy: 1 } }]);
  },
  async down(db) {
    await db.collection("api_keys").dropIndex("creator");
  },
};

export default migration;

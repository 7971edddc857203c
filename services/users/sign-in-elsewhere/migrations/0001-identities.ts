import type { Migration } from "../../../../broker/mongo/migrations.ts";

/** An account elsewhere signs in to one account here. */
const migration: Migration = {
  async up(db) {
    await db
      .collection("accounts")
      .createIndexes([{ name: "identity", key: { "identities.key": 1 }, unique: true, sparse: true }]);
  },
  async down(db) {
    await db.collection("accounts").dropIndex("identity");
  },
};

export default migration;

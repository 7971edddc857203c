import type { Migration } from "../../../../broker/mongo/migrations.ts";

/** Tickets go some time after they have expired. */
const migration: Migration = {
  async up(db) {
    await db
      .collection("sign_in_tickets")
      .createIndexes([{ name: "expiry", key: { expiresAt: 1 }, expireAfterSeconds: 0 }]);
  },
  async down(db) {
    await db.collection("sign_in_tickets").dropIndex("expiry");
  },
};

export default migration;

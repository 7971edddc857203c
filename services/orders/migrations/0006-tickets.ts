/** Tickets that nobody has used are removed. */
import type { Migration } from "../../../broker/mongo/migrations.ts";
import { TICKETS } from "../tickets.ts";

const migration: Migration = {
  async up(db) {
    await db
      .collection(TICKETS)
      .createIndexes([{ name: "expiry", key: { expiresAt: 1 }, expireAfterSeconds: 0 }]);
  },
  async down(db) {
    await db.dropCollection(TICKETS);
  },
};
export default migration;

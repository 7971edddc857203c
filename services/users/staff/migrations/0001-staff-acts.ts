import type { Migration } from "../../../../broker/mongo/migrations.ts";

/** For sweeps of messages and of acts without an outcome, and the end of acts that were told. */
const migration: Migration = {
  async up(db) {
    await db.collection("staff_acts").createIndexes([
      { name: "outbox", key: { "outbox.at": 1 }, sparse: true },
      { name: "outcome", key: { outcome: 1, recordedAt: 1 } },
      { name: "expiry", key: { expiresAt: 1 }, expireAfterSeconds: 0 },
    ]);
  },
  async down(db) {
    for (const name of ["outbox", "outcome", "expiry"]) await db.collection("staff_acts").dropIndex(name);
  },
};

export default migration;

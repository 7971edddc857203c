import type { Migration } from "../../../broker/mongo/migrations.ts";

/** Unique guards, expiry of sessions and keys, and indexes for sweeps. */
const migration: Migration = {
  async up(db) {
    await db.collection("accounts").createIndexes([
      { name: "email", key: { email: 1 }, unique: true },
      { name: "first_admin", key: { firstAdmin: 1 }, unique: true, sparse: true },
      { name: "reset_token", key: { "resets.tokenHash": 1 }, sparse: true },
      { name: "outbox", key: { "outbox.at": 1 }, sparse: true },
    ]);
    await db.collection("sessions").createIndexes([
      { name: "user", key: { userId: 1 } },
      { name: "expiry", key: { expiresAt: 1 }, expireAfterSeconds: 0 },
    ]);
    await db
      .collection("signing_keys")
      .createIndexes([{ name: "expiry", key: { expiresAt: 1 }, expireAfterSeconds: 0 }]);
  },
  async down(db) {
    for (const name of ["email", "first_admin", "reset_token", "outbox"])
      await db.collection("accounts").dropIndex(name);
    for (const name of ["user", "expiry"]) await db.collection("sessions").dropIndex(name);
    await db.collection("signing_keys").dropIndex("expiry");
  },
};

export default migration;

/** Indexes by which staff find payments: the provider, and what its payments are found by. */
import type { Migration } from "../../../broker/mongo/migrations.ts";

const migration: Migration = {
  async up(db) {
    await db.collection("payments").createIndexes([
      { name: "provider", key: { "state.provider": 1, _id: -1 } },
      { name: "found_by", key: { "state.foundBy": 1, _id: -1 }, sparse: true },
    ]);
  },
  async down(db) {
    for (const name of ["provider", "found_by"]) await db.collection("payments").dropIndex(name);
  },
};

export default migration;

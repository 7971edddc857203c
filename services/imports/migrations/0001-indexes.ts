/** Errors of an import by line, for a month. */
import type { Migration } from "../../../broker/mongo/migrations.ts";

const MONTH_S = 30 * 24 * 60 * 60;

const migration: Migration = {
  async up(db) {
    await db.collection("line_errors").createIndexes([
      { name: "import", key: { importId: 1 } },
      { name: "age", key: { at: 1 }, expireAfterSeconds: MONTH_S },
    ]);
  },
  async down(db) {
    for (const name of ["import", "age"]) await db.collection("line_errors").dropIndex(name);
  },
};
export default migration;

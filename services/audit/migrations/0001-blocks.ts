/** Each message once. The log is searched by type, subject, request and person, and by time. */
import type { Migration } from "../../../broker/mongo/migrations.ts";

const INDEXES = [
  { name: "ids", key: { ids: 1 }, unique: true },
  { name: "types", key: { types: 1, _id: 1 } },
  { name: "subjects", key: { subjects: 1, _id: 1 } },
  { name: "flows", key: { flows: 1, _id: 1 } },
  { name: "actors", key: { actors: 1, _id: 1 } },
  { name: "at", key: { at: 1, _id: 1 } },
  { name: "day", key: { day: 1, _id: 1 } },
] as const;

const migration: Migration = {
  async up(db) {
    await db.collection("blocks").createIndexes(INDEXES.map((it) => ({ ...it })));
  },
  async down(db) {
    for (const { name } of INDEXES) await db.collection("blocks").dropIndex(name);
  },
};
export default migration;

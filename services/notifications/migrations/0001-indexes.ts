/** Staff list notifications by status, kind, recipient and order, newest first; those of a user are erased. */
import type { Migration } from "../../../broker/mongo/migrations.ts";

const INDEXES = [
  { name: "status", key: { "state.status": 1, _id: -1 } },
  { name: "kind", key: { "state.kind": 1, _id: -1 } },
  { name: "to", key: { "state.to": 1, _id: -1 } },
  { name: "order", key: { "state.orderId": 1, _id: -1 } },
  { name: "user", key: { "state.recipient.userId": 1, _id: -1 } },
] as const;

const migration: Migration = {
  async up(db) {
    await db.collection("notifications").createIndexes(INDEXES.map((it) => ({ ...it })));
  },
  async down(db) {
    for (const { name } of INDEXES) await db.collection("notifications").dropIndex(name);
  },
};
export default migration;

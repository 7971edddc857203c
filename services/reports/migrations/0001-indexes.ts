/** What is not counted yet, and an index for each report. */
import type { Migration } from "../../../broker/mongo/migrations.ts";

const INDEXES = {
  order_records: [
    { name: "dirty", key: { dirty: 1 }, sparse: true },
    { name: "generation", key: { generation: 1, _id: 1 } },
  ],
  stock_outs: [
    { name: "from", key: { generation: 1, from: -1, _id: -1 } },
    { name: "generation", key: { generation: 1, _id: 1 } },
  ],
  counters: [
    { name: "day", key: { generation: 1, kind: 1, day: 1, currency: 1 } },
    { name: "together", key: { generation: 1, kind: 1, productId: 1, together: -1 } },
  ],
} as const;

const migration: Migration = {
  async up(db) {
    for (const [collection, indexes] of Object.entries(INDEXES))
      await db.collection(collection).createIndexes(indexes.map((it) => ({ ...it })));
  },
  async down(db) {
    for (const [collection, indexes] of Object.entries(INDEXES))
      for (const { name } of indexes) await db.collection(collection).dropIndex(name);
  },
};
export default migration;

/** Indexes for gapless numbers of invoices and credit notes, and for an order's credit notes. */
import type { Migration } from "../../../broker/mongo/migrations.ts";
import { SERIES_INDEX } from "../invoices/numbered-series.ts";

const NUMBERED = ["invoices", "credit_notes"];

const migration: Migration = {
  async up(db) {
    for (const name of NUMBERED)
      await db.collection(name).createIndex({ year: 1, seq: 1 }, { name: SERIES_INDEX, unique: true });
    await db.collection("credit_notes").createIndex({ orderId: 1, year: 1, seq: 1 }, { name: "order" });
  },
  async down(db) {
    await db.collection("credit_notes").dropIndex("order");
    for (const name of NUMBERED) await db.collection(name).dropIndex(SERIES_INDEX);
  },
};

export default migration;

/** Payments of earlier versions become findable by the phone that was asked. */
import type { Migration } from "../../../../../broker/mongo/migrations.ts";
import { msisdn } from "../phone.ts";

const BATCH = 500;

interface Paid {
  _id: string;
  state: { options?: { phone?: string } };
}

const migration: Migration = {
  async up(db, renew) {
    const payments = db.collection<Paid>("payments");
    const found = payments.find(
      {
        "state.provider": "mpesa",
        "state.options.phone": { $exists: true },
        "state.foundBy": { $exists: false },
      },
      { projection: { "state.options.phone": 1 }, batchSize: BATCH },
    );
    let batch: Parameters<typeof payments.bulkWrite>[0][number][] = [];
    const write = async () => {
      if (batch.length > 0) await payments.bulkWrite(batch, { ordered: false });
      batch = [];
      await renew();
    };
    for await (const { _id, state } of found) {
      const phone = msisdn(state.options?.phone ?? "");
      if (phone === null) continue;
      const filter = { _id, "state.foundBy": { $exists: false } };
      batch.push({ updateOne: { filter, update: { $set: { "state.foundBy": [`phone:${phone}`] } } } });
      if (batch.length >= BATCH) await write();
    }
    await write();
  },
  async down(db) {
    const found = { "state.provider": "mpesa", "state.foundBy": { $exists: true } };
    await db.collection<Paid>("payments").updateMany(found, { $unset: { "state.foundBy": "" } });
  },
};

export default migration;

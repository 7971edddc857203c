/** Unique numbers in a separate collection. A unique index on orders would have to contain the shard key. */
import type { Connection } from "mongoose";
import type { Migration } from "../../../broker/mongo/migrations.ts";

interface Order {
  _id: string;
  state: { number: string };
}
interface OrderNumber {
  _id: string;
  order: string;
}

const SOME = 1_000;

const migration: Migration = {
  async up(db) {
    let batch: OrderNumber[] = [];
    for await (const { _id, state } of db
      .collection<Order>("orders")
      .find({}, { projection: { "state.number": 1 } })) {
      batch.push({ _id: state.number, order: _id });
      if (batch.length < SOME) continue;
      await write(db, batch);
      batch = [];
    }
    await write(db, batch);
    const orders = db.collection("orders");
    if ((await orders.indexes()).some((it) => it.name === "number")) await orders.dropIndex("number");
  },
  async down(db) {
    await db
      .collection("orders")
      .createIndexes([{ name: "number", key: { "state.number": 1 }, unique: true }]);
    await db.collection("order_numbers").deleteMany({});
  },
};
export default migration;

/** Repeats after an interrupted run. */
async function write(db: Connection, numbers: readonly OrderNumber[]): Promise<void> {
  if (numbers.length === 0) return;
  const operations = numbers.map(({ _id, order }) => ({
    updateOne: { filter: { _id }, update: { $setOnInsert: { order } }, upsert: true },
  }));
  await db.collection<OrderNumber>("order_numbers").bulkWrite(operations, { ordered: false });
}

/** The words by which staff find orders, with their index. Orders from before get theirs. */
import type { Connection } from "mongoose";
import type { Migration } from "../../../broker/mongo/migrations.ts";
import { searchWords } from "../order/search-words.ts";
import type { OrderState } from "../order/state.ts";

interface Order {
  _id: string;
  state: Pick<OrderState, "number" | "customer" | "shippingAddress" | "lines">;
}

const SOME = 500;
const FIELDS = {
  "state.number": 1,
  "state.customer": 1,
  "state.shippingAddress": 1,
  "state.lines.sku": 1,
};

const migration: Migration = {
  async up(db, renew) {
    const orders = db.collection<Order>("orders");
    let batch: Order[] = [];
    for await (const order of orders.find({ "state.words": { $exists: false } }, { projection: FIELDS })) {
      batch.push(order);
      if (batch.length < SOME) continue;
      await write(db, batch);
      await renew();
      batch = [];
    }
    await write(db, batch);
    await orders.createIndex({ "state.words": 1, _id: -1 }, { name: "words" });
  },
  async down(db) {
    await db.collection("orders").dropIndex("words");
  },
};
export default migration;

async function write(db: Connection, batch: readonly Order[]): Promise<void> {
  if (batch.length === 0) return;
  await db.collection<Order>("orders").bulkWrite(
    batch.map(({ _id, state }) => ({
      updateOne: { filter: { _id }, update: { $set: { "state.words": searchWords(state) } } },
    })),
    { ordered: false },
  );
}

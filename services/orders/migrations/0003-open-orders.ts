/** Open orders by customer. They are entered before an order is placed, so this enters those that are open now. */
import type { Migration } from "../../../broker/mongo/migrations.ts";
import type { OrderState } from "../order/state.ts";

interface Stored {
  _id: string;
  state: OrderState;
}
interface OpenOrders {
  _id: string;
  version: number;
  revision: number;
  entries: { order: string; revision: number | null; quantity: number; at: Date; place: null }[];
}

const migration: Migration = {
  async up(db) {
    const open = db.collection<OpenOrders>("open_orders");
    // Removes the entries of an interrupted run.
    await open.deleteMany({});
    const unpaid = { "state.status": { $in: ["placed", "awaiting_payment"] } };
    for await (const { _id, state } of db.collection<Stored>("orders").find(unpaid)) {
      const quantity = state.lines.reduce((sum, it) => sum + it.quantity, 0);
      const entry = { order: _id, revision: null, quantity, at: new Date(state.createdAt), place: null };
      await open.updateOne(
        { _id: state.customerId },
        { $push: { entries: entry }, $setOnInsert: { version: 1, revision: 0 } },
        { upsert: true },
      );
    }
  },
  async down(db) {
    await db.dropCollection("open_orders");
  },
};
export default migration;

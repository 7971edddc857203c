/** M-Pesa's pushes by Safaricom's number, which is all that Daraja's answers and the payment actor name them by. */
import type { Migration } from "../../../../../broker/mongo/migrations.ts";

const migration: Migration = {
  formerly: ["0004-mpesa-pushes"],
  async up(db) {
    await db
      .collection("mpesa_pushes")
      .createIndexes([
        { name: "checkout_request_id", key: { checkoutRequestId: 1 }, unique: true, sparse: true },
      ]);
  },
  async down(db) {
    await db.collection("mpesa_pushes").dropIndex("checkout_request_id");
  },
};

export default migration;

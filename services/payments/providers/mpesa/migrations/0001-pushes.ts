/** M-Pesa's pushes by Safaricom's number, the only id in Daraja's answers and in the payment actor. */
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

/** Indexes of payments: lists, the webhooks' outbox, the sandbox's deliveries. */
import type { Migration } from "../../../broker/mongo/migrations.ts";
import { KEEP_WEBHOOKS_S } from "../webhooks/webhook-inbox.model.ts";

const migration: Migration = {
  async up(db) {
    await db.collection("payments").createIndexes([
      { name: "order", key: { "state.orderId": 1, _id: -1 } },
      { name: "status", key: { "state.status": 1, _id: -1 } },
      { name: "receipt", key: { "state.receipt": 1 }, sparse: true },
      { name: "provider_ref", key: { "state.providerRef": 1 }, sparse: true },
    ]);
    await db.collection("webhook_inbox").createIndexes([
      { name: "outbox", key: { "outbox.at": 1 }, sparse: true },
      { name: "expiry", key: { receivedAt: 1 }, expireAfterSeconds: KEEP_WEBHOOKS_S },
    ]);
    await db.collection("anomalies").createIndexes([{ name: "newest", key: { at: -1, _id: -1 } }]);
    await db
      .collection("sandbox_payments")
      .createIndexes([{ name: "deliver_at", key: { deliverAt: 1 }, sparse: true }]);
  },
  async down(db) {
    await db.collection("sandbox_payments").dropIndex("deliver_at");
    await db.collection("anomalies").dropIndex("newest");
    for (const name of ["outbox", "expiry"]) await db.collection("webhook_inbox").dropIndex(name);
    for (const name of ["order", "status", "receipt", "provider_ref"])
      await db.collection("payments").dropIndex(name);
  },
};

export default migration;

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../../../../broker/resilience/clock.ts";
import { silentLog } from "../../../../../broker/resilience/silent-log.ts";
import { eventually } from "../../../../../souk/testing/eventually.ts";
import { freePort } from "../../../../../souk/testing/free-port.ts";
import { standIn } from "../../../../../test/support/stand-in.ts";
import { createDeliveries, type DeliveryOptions } from "../deliveries.ts";

describe("The sandbox's deliveries while the database goes away", () => {
  it("fail without ending the process, though one fails while the next is looked for", async () => {
    const unhandled: unknown[] = [];
    const keep = (reason: unknown) => void unhandled.push(reason);
    process.on("unhandledRejection", keep);
    const due = {
      _id: "ref-1",
      paymentId: "payment-1",
      amount: 100,
      currency: "USD",
      status: "captured",
      decision: { eventId: "event-1", at: new Date(), receipt: "receipt-1", reason: null },
      delivery: { left: 1, failures: 0 },
    };
    let claims = 0;
    let postponed = 0;
    const payments = standIn<DeliveryOptions["payments"]>({
      async findOneAndUpdate() {
        if (++claims === 1) return { ...due };
        await sleep(300);
        throw new Error("the database is away");
      },
      async updateOne() {
        postponed++;
        throw new Error("the database is away");
      },
    });
    const port = await freePort();
    const deliveries = createDeliveries({
      payments,
      clock: systemClock,
      log: silentLog,
      secret: async () => "a secret of sixteen",
      // No server listens there.
      url: () => new URL(`http://127.0.0.1:${port}/`),
    });
    try {
      deliveries.start();
      await eventually("one could not be put off", () => postponed > 0);
      await eventually("the next was looked for", () => claims > 1);
      await sleep(400);
      assert.deepEqual(unhandled, []);
    } finally {
      await deliveries.stop();
      process.off("unhandledRejection", keep);
    }
  });
});

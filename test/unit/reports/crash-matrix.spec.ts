/** Reports, killed anywhere: each event is recorded once, in whichever order it comes. */
import assert from "node:assert/strict";
import { derivedV7 } from "../../../broker/contract/ids.ts";
import { joinVariables } from "../../../broker/contract/variables.ts";
import { paymentsConfig } from "../../../services/payments/payments.config.ts";
import { reportsConfig } from "../../../services/reports/reports.config.ts";
import { anAddress } from "../../../souk/testing/address.ts";
import { crashMatrix } from "../../../souk/testing/matrix/crash-matrix.ts";
import { shopOf } from "../actor/support/matrix/matrices.ts";

const BASE = "019b76da-a800-7000-8000-000000000001";
const id = (name: string) => derivedV7(BASE, name);
const usd = (amount: number) => ({ amount, currency: "USD" });
const about = { number: "N1", customerId: id("Ann") };
const [ORDER, PAYMENT, REFUND] = ["order", "payment", "refund"].map(id) as [string, string, string];

const parts = shopOf("reports/crash-matrix");
/** With the tax rate, which payments declares. */
const config = joinVariables([reportsConfig, paymentsConfig]);

describe("Reports, killed anywhere", function () {
  this.timeout(120_000);
  crashMatrix({
    shop: { ...parts, contracts: parts.contracts.map((it) => ({ ...it, config })) },
    async play(run) {
      run.points.armed = true;
      run.send("order.placed", ORDER, { ...about, total: usd(1_000) });
      const lines = [{ sku: "TEA", name: "Tea", quantity: 2, unitPrice: usd(500), total: usd(1_000) }];
      const paid = { ...about, lines, total: usd(1_000), paymentId: PAYMENT };
      run.send("order.paid", ORDER, { ...paid, shippingAddress: anAddress() });
      const money = { paymentId: PAYMENT, amount: usd(1_000) };
      run.send("payment.captured", ORDER, money);
      run.send("payment.refunded", ORDER, { ...money, refundId: REFUND, full: true });
      run.send("stock.depleted", "TEA", { revision: 1 });
      run.send("stock.replenished", "TEA", { revision: 1 });
      await run.rest();
      run.messages.releaseCopies();
      await run.rest();
      return new Map([ORDER, PAYMENT, REFUND].map((it) => [it, it]));
    },
    check(state) {
      const [record] = state["reports.order_records"] as Record<string, object>[];
      assert.deepEqual(Object.keys(record?.captures ?? {}), [PAYMENT]);
      assert.deepEqual(Object.keys(record?.refunds ?? {}), [REFUND]);
      assert.ok(record?.placed && record.paid);
    },
  });
});

/** A refund without a final report from its provider. Staff are told, and end it. */
import assert from "node:assert/strict";
import { errorCode } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { noFaults } from "../../../services/payments/providers/emulator.ts";
import { mpesa } from "../../../services/payments/providers/mpesa/mpesa.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { openProviderShop, type ProviderShop, staff } from "../../support/providers/provider-shop.ts";

const PRICE = { amount: 150_000, currency: "KES" };

describe("a refund that does not end", function () {
  this.timeout(60_000);
  let fixture: ProviderShop;

  before(async () => {
    fixture = await openProviderShop({
      provider: mpesa,
      payment: { phone: "0712 345678" },
      env: { LOG_LEVEL: "fatal", RECONCILE_FIRST: "20ms", RECONCILE_MAX: "100ms" },
    });
  });
  after(() => fixture?.close());

  /** A payment with a refund whose result is lost. */
  async function stuck() {
    fixture.emulator.knobs.webhooks = noFaults().webhooks;
    const { order } = await fixture.order(PRICE);
    const { id } = await fixture.payment(order.id, (it) => it.status === "pending");
    await fixture.emulator.pay(await fixture.refOf(id), "succeed");
    await fixture.reaches(order.id, "paid");
    await fixture.emulator.idle();
    fixture.emulator.knobs.webhooks = { ...noFaults().webhooks, drop: 1 };
    const { refunds } = await fixture.call(
      "payments.refund",
      { id, amount: 50_000, reason: "back" },
      { ...staff, idempotencyKey: newId() },
    );
    const refundId = refunds[0]?.id ?? assert.fail("no refund");
    const end = (outcome: "succeeded" | "failed") =>
      fixture.call("payments.endRefund", { id, refundId, outcome });
    return { id, end };
  }

  it("is told to staff, and ends as they have seen it in the provider's records", async () => {
    const { id, end } = await stuck();
    await eventually(
      "staff hear of it",
      async () => (await fixture.anomalies(id)).includes("refund_stuck"),
      20_000,
    );
    const { status, refunded } = await end("succeeded");
    assert.deepEqual([status, refunded.amount], ["partially_refunded", 50_000]);
    assert.deepEqual((await end("succeeded")).refunded, refunded, "once");
    assert.equal(await end("failed").catch(errorCode), "CONFLICT");
  });

  it("may have failed, and there is as much to give back as before", async () => {
    const { id, end } = await stuck();
    assert.equal((await end("failed")).refunds[0]?.status, "failed");
    const again = { id, amount: PRICE.amount, reason: "again" };
    await fixture.call("payments.refund", again, { ...staff, idempotencyKey: newId() });
  });

  it("must be one of the payment", async () => {
    const { id } = await stuck();
    const other = { id, refundId: newId(), outcome: "failed" } as const;
    assert.equal(await fixture.call("payments.endRefund", other).catch(errorCode), "NOT_FOUND");
  });
});

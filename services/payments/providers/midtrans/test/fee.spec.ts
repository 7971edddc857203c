/** A shop whose customers pay Midtrans' fee ("Automatic Fee Imposition"). */
import assert from "node:assert/strict";
import { openProviderShop, type ProviderShop } from "../../../../../test/support/providers/provider-shop.ts";
import { traits } from "./traits.ts";

const idr = (rupiah: number) => ({ amount: rupiah * 100, currency: "IDR" });

describe("the shop with Midtrans, when customers pay the fee", function () {
  this.timeout(60_000);
  let shop: ProviderShop;

  before(async () => {
    shop = await openProviderShop(traits);
  });
  after(() => shop?.close());

  it("money-midtrans-fee: asked 10000, gross 10071, original_amount 10000 is paid, and the fee is not the shop's", async () => {
    const { order } = await shop.order(idr(10_000));
    const opened = await shop.payment(order.id, (it) => it.status === "pending");
    const from = shop.relay.received.length;
    await shop.emulator.pay(await shop.refOf(opened.id), "withFee");
    await shop.reaches(order.id, "paid");
    const told = JSON.parse(shop.relay.received[from]?.rawBody.toString() ?? "");
    assert.deepEqual(
      [told.gross_amount, told.metadata.extra_info.gross_amount_info.original_amount],
      ["10071.00", "10000"],
    );
    const { amount, paid, fee, captured } = await shop.payment(order.id, (it) => it.status === "captured");
    assert.deepEqual(
      { amount, paid, fee, captured },
      { amount: idr(10_000), paid: idr(10_071), fee: idr(71), captured: idr(10_000) },
    );
    assert.deepEqual(await shop.anomalies(opened.id), []);
    const { items, balanced } = await shop.call("payments.balances", {});
    assert.ok(balanced);
    assert.equal(items.find((it) => it.account === "sales")?.amount, -1_000_000);
    assert.equal(items.find((it) => it.account === "provider:midtrans")?.amount, 1_000_000);
    assert.equal(items.find((it) => it.account === "fees:midtrans")?.amount, 7_100);
  });
});

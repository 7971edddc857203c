/** Money that is gone without a refund. Staff and the ledger know, and the order stays unchanged. */
import assert from "node:assert/strict";
import type { ProviderModule } from "../../../services/payments/providers/define-provider.ts";
import { midtrans } from "../../../services/payments/providers/midtrans/midtrans.ts";
import type { PayPalEmulator } from "../../../services/payments/providers/paypal/emulator/paypal.ts";
import { paypal } from "../../../services/payments/providers/paypal/paypal.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { openProviderShop, type ProviderShop } from "../../support/providers/provider-shop.ts";

const USD = { amount: 1_999, currency: "USD" };
const IDR = { amount: 15_000_000, currency: "IDR" };

describe("a capture that is taken back", function () {
  this.timeout(60_000);
  let fixture: ProviderShop | undefined;
  afterEach(() => fixture?.close());

  const open = async (provider: ProviderModule) => {
    fixture = await openProviderShop({ provider, env: { LOG_LEVEL: "fatal" } });
    return fixture;
  };

  /** Staff are told once, and both accounts say that nothing is there. */
  async function isGone(
    shop: ProviderShop,
    orderId: string,
    paymentId: string,
    kind: string,
    provider: string,
  ) {
    await eventually("staff hear of it", async () => (await shop.anomalies(paymentId)).length > 0);
    await shop.emulator.idle();
    assert.deepEqual(await shop.anomalies(paymentId), [kind]);
    const { status, disputed } = await shop.payment(orderId);
    assert.deepEqual([status, disputed], ["captured", true]);
    assert.equal((await shop.call("orders.get", { id: orderId })).status, "paid");
    await eventually("the ledger knows", async () => {
      const { items } = await shop.call("payments.balances", {});
      return items.find((it) => it.account === `provider:${provider}`)?.amount === 0;
    });
  }

  it("by PayPal's reversal", async () => {
    const shop = await open(paypal);
    const { order } = await shop.order(USD);
    const { id } = await shop.payment(order.id, (it) => it.status === "pending");
    const ref = await shop.refOf(id);
    await shop.emulator.pay(ref, "succeed");
    await shop.reaches(order.id, "paid");
    (shop.emulator as PayPalEmulator).reverse(ref);
    await isGone(shop, order.id, id, "disputed", "paypal");
  });

  it("by somebody who voids a card at Midtrans", async () => {
    const shop = await open(midtrans);
    const { order } = await shop.order(IDR);
    const { id, nextAction } = await shop.payment(order.id, (it) => it.status === "pending");
    const token = nextAction?.type === "redirect" ? nextAction.url.split("/").at(-1) : assert.fail("no page");
    const { url, environment } = shop.emulator;
    const post = async (path: string, body?: object) => {
      const authorization = `Basic ${Buffer.from(`${environment.MIDTRANS_SERVER_KEY}:`).toString("base64")}`;
      const answer = await fetch(`${url}${path}`, {
        method: "POST",
        headers: { authorization },
        body: JSON.stringify(body ?? {}),
      });
      assert.equal(answer.status, 200, await answer.text());
    };
    await post(`/_sim/snap/${token}`, { card: "4811 1111 1111 1114" });
    await shop.reaches(order.id, "paid");
    await post(`/v2/${await shop.refOf(id)}/cancel`);
    await isGone(shop, order.id, id, "voided", "midtrans");
  });
});

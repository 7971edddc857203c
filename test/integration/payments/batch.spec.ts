/** Payments that are opened together, and openings that fail for a while. */
import assert from "node:assert/strict";
import { errorCode } from "../../../broker/contract/errors.ts";
import { calm } from "../../../services/payments/providers/emulator.ts";
import { stripe } from "../../../services/payments/providers/stripe/stripe.ts";
import { anAddress } from "../../../souk/testing/address.ts";
import { eventually } from "../../support/eventually.ts";
import { openProviderShop, type ProviderShop } from "../../support/provider-shop.ts";

const PRICE = { amount: 1_999, currency: "USD" };
const BATCH_MS = 3_000;

describe("payments that are opened in batches", function () {
  this.timeout(30_000);
  let floor: ProviderShop;

  before(async () => {
    floor = await openProviderShop({
      provider: stripe,
      env: { INVOICE_MODE: "batch", INVOICE_BATCH_INTERVAL: `${BATCH_MS}ms`, LOG_LEVEL: "fatal" },
    });
  });
  after(() => floor?.close());
  beforeEach(() => {
    floor.emulator.knobs.api = calm().api;
  });

  it("are placed without a next step, and get it together when the time has come", async () => {
    const begun = Date.now();
    const placed = await Promise.all(Array.from({ length: 5 }, () => floor.order(PRICE, {}, 0)));
    for (const { order } of placed) {
      const payment = await floor.payment(order.id);
      // The time may have come just now.
      if (Math.floor(begun / BATCH_MS) === Math.floor(Date.now() / BATCH_MS))
        assert.deepEqual([payment.status, payment.nextAction], ["requested", null]);
    }
    for (const { order } of placed) {
      await floor.payment(order.id, (it) => it.status === "pending");
      await eventually("the order has it too", async () => {
        const { payment } = await floor.call("orders.get", { id: order.id });
        return payment?.nextAction?.type === "client_secret";
      });
    }
    const opened = floor.emulator.books();
    assert.equal(opened.length, 5, "each once");
    for (const { providerRef } of opened) await floor.emulator.pay(providerRef, "succeed");
    for (const { order } of placed) await floor.reaches(order.id, "paid");
  });

  it("can be cancelled before, and are never opened then", async () => {
    const { order, meta } = await floor.order(PRICE, {}, 0);
    const before = floor.emulator.books().length;
    await floor.payment(order.id);
    await floor.call("orders.cancel", { id: order.id }, meta);
    const { id } = await floor.payment(order.id, (it) => it.status === "cancelled");
    floor.advance(BATCH_MS);
    const next = await floor.order(PRICE, {}, 0);
    await floor.payment(next.order.id, (it) => it.status === "pending");
    assert.equal(floor.emulator.books().length, before + 1);
    assert.ok(!floor.emulator.books().some((it) => it.paymentId === id));
  });

  it("of providers that are not configured are refused, naming the field; webhooks of them too", async () => {
    const { meta } = await floor.order(PRICE, {}, 0);
    const failure = await refusal(floor, meta);
    assert.equal(errorCode(failure), "PROVIDER_UNKNOWN");
    assert.match(failure.message, /paypal/);
    assert.equal(failure.data?.errors?.[0]?.field, "payment.provider");
    const webhook = await floor.shop.http.request("POST", "/payments/webhooks/paypal", { body: {} });
    assert.equal(webhook.status, 422);
    const keyed = await floor.shop.http.request("POST", "/payments/webhooks/paypal/some-key", { body: {} });
    assert.equal(keyed.status, 422);
    const forged = await floor.shop.http.request("POST", "/payments/webhooks/stripe/some-key", { body: {} });
    assert.equal(forged.status, 401);
  });
});

interface Refusal extends Error {
  data?: { errors?: { field: string }[] };
}

async function refusal(floor: ProviderShop, meta: Parameters<ProviderShop["call"]>[2]): Promise<Refusal> {
  const { items } = await floor.call("products.list", { limit: 1 });
  await floor.call("cart.setItem", { sku: items[0]?.variants[0]?.sku ?? "", quantity: 1 }, meta);
  const address = anAddress();
  return floor
    .call(
      "orders.place",
      { shippingAddress: address, payment: { provider: "paypal" } },
      { ...meta, idempotencyKey: "a-key-of-this-test" },
    )
    .then(
      () => assert.fail("it should have been refused"),
      (error: Refusal) => error,
    );
}

/** Payments that are opened together, and openings that fail for a while. */
import assert from "node:assert/strict";
import { errorCode } from "../../../broker/contract/errors.ts";
import { noFaults } from "../../../services/payments/providers/emulator.ts";
import { stripe } from "../../../services/payments/providers/stripe/stripe.ts";
import { anAddress } from "../../../souk/testing/address.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { openProviderShop, type ProviderShop } from "../../support/providers/provider-shop.ts";

const PRICE = { amount: 1_999, currency: "USD" };
const BATCH_MS = 3_000;

describe("payments that are opened in batches", function () {
  this.timeout(30_000);
  let fixture: ProviderShop;

  before(async () => {
    fixture = await openProviderShop({
      provider: stripe,
      env: { INVOICE_MODE: "batch", INVOICE_BATCH_INTERVAL: `${BATCH_MS}ms`, LOG_LEVEL: "fatal" },
    });
  });
  after(() => fixture?.close());
  beforeEach(() => {
    fixture.emulator.knobs.api = noFaults().api;
  });

  it("are placed without a next step, and get it together when the time has come", async () => {
    const begun = Date.now();
    const placed = await Promise.all(Array.from({ length: 5 }, () => fixture.order(PRICE, {}, 0)));
    for (const { order } of placed) {
      const payment = await fixture.payment(order.id);
      // The time may have come just now.
      if (Math.floor(begun / BATCH_MS) === Math.floor(Date.now() / BATCH_MS))
        assert.deepEqual([payment.status, payment.nextAction], ["requested", null]);
    }
    for (const { order } of placed) {
      await fixture.payment(order.id, (it) => it.status === "pending");
      await eventually("the order has it too", async () => {
        const { payment } = await fixture.call("orders.get", { id: order.id });
        return payment?.nextAction?.type === "client_secret";
      });
    }
    const opened = fixture.emulator.records();
    assert.equal(opened.length, 5, "each once");
    for (const { providerRef } of opened) await fixture.emulator.pay(providerRef, "succeed");
    for (const { order } of placed) await fixture.reaches(order.id, "paid");
  });

  it("can be cancelled before, and are never opened then", async () => {
    const { order, meta } = await fixture.order(PRICE, {}, 0);
    const before = fixture.emulator.records().length;
    await fixture.payment(order.id);
    await fixture.call("orders.cancel", { id: order.id }, meta);
    const { id } = await fixture.payment(order.id, (it) => it.status === "cancelled");
    fixture.advance(BATCH_MS);
    const next = await fixture.order(PRICE, {}, 0);
    await fixture.payment(next.order.id, (it) => it.status === "pending");
    assert.equal(fixture.emulator.records().length, before + 1);
    assert.ok(!fixture.emulator.records().some((it) => it.paymentId === id));
  });

  it("of providers that are not configured are refused, naming the field; webhooks of them too", async () => {
    const { meta } = await fixture.order(PRICE, {}, 0);
    const failure = await refusal(fixture, meta);
    assert.equal(errorCode(failure), "PROVIDER_UNKNOWN");
    assert.match(failure.message, /paypal/);
    assert.equal(failure.data?.errors?.[0]?.field, "payment.provider");
    const webhook = await fixture.shop.http.request("POST", "/payments/webhooks/paypal", { body: {} });
    assert.equal(webhook.status, 422);
    const keyed = await fixture.shop.http.request("POST", "/payments/webhooks/paypal/some-key", { body: {} });
    assert.equal(keyed.status, 422);
    const forged = await fixture.shop.http.request("POST", "/payments/webhooks/stripe/some-key", {
      body: {},
    });
    assert.equal(forged.status, 401);
  });
});

interface Refusal extends Error {
  data?: { errors?: { field: string }[] };
}

async function refusal(fixture: ProviderShop, meta: Parameters<ProviderShop["call"]>[2]): Promise<Refusal> {
  const { items } = await fixture.call("products.list", { limit: 1 });
  await fixture.call("cart.setItem", { sku: items[0]?.variants[0]?.sku ?? "", quantity: 1 }, meta);
  const address = anAddress();
  return fixture
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

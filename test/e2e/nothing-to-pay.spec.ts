/** Orders whose total is 0: paid at once, without a provider. */
import assert from "node:assert/strict";
import { newId } from "../../broker/contract/ids.ts";
import type { Problem } from "../../broker/http/problem.ts";
import { systemClock } from "../../broker/resilience/clock.ts";
import type { OrderView } from "../../services/orders/orders.contract.ts";
import type { Emulator } from "../../services/payments/providers/emulator.ts";
import { startStripe } from "../../services/payments/providers/stripe/emulator/stripe.ts";
import { eventually } from "../../souk/testing/eventually.ts";
import {
  deliveryOf,
  firstAdmin,
  home,
  orderBecomes,
  type Person,
  putInCart,
  putOnSale,
  signUp,
  stockBecomes,
} from "../../souk/testing/people.ts";
import { type Shop, startShop } from "../../souk/testing/start-shop.ts";
import { readPdf } from "../support/read-pdf.ts";
import { seededRandom } from "../support/seeded-random.ts";

describe("an order with nothing to pay", function () {
  this.timeout(30_000);
  let stripe: Emulator;
  let shop: Shop;
  let admin: Person;
  let customer: Person;
  let free: string;
  let dear: string;

  before(async () => {
    stripe = await startStripe({
      port: 0,
      webhookUrl: () => "",
      timeScale: 1_000,
      clock: systemClock,
      random: seededRandom(1).next,
    });
    shop = await startShop({ env: stripe.environment });
    admin = await firstAdmin(shop.http);
    ({ sku: free } = await putOnSale(admin, { price: 0, onHand: 1_000 }));
    ({ sku: dear } = await putOnSale(admin, { price: 1_299, onHand: 1_000 }));
  });
  after(async () => {
    await shop?.stop();
    await stripe?.close();
  });
  beforeEach(async () => {
    customer = await signUp(shop.http);
  });

  const place = <B = OrderView>(payment?: { provider: string }, key = newId()) =>
    customer.http.request<B>("POST", "/orders", {
      body: { shippingAddress: home, ...(payment && { payment }) },
      headers: { "idempotency-key": key, prefer: "wait=5" },
    });

  for (const payment of [{ provider: "sandbox" }, { provider: "stripe" }, { provider: "nobody" }, undefined])
    it(`cart-free-order: is paid with ${payment?.provider ?? "no provider"}, asks none, and has its invoice`, async () => {
      await putInCart(customer, free, 2);
      const { status, body: order } = await place(payment);
      assert.equal(status, 201, JSON.stringify(order));
      assert.deepEqual(
        [order.status, order.total.amount, order.payment, order.expiresAt],
        ["paid", 0, null, null],
      );
      assert.deepEqual(
        order.history.map((it) => it.status),
        ["placed", "paid"],
      );
      const { items } = await customer.http.expect<{ items: unknown[] }>(
        200,
        "GET",
        `/orders/${order.id}/payments`,
      );
      assert.deepEqual(items, []);
      assert.deepEqual(stripe.records(), []);
      assert.equal(await shop.node.runtime.database("payments").collection("payments").countDocuments(), 0);

      const pdf = await eventually("there is an invoice", async () => {
        const reply = await fetch(`${shop.url}/api/v1/orders/${order.id}/invoice.pdf`, {
          headers: { authorization: `Bearer ${customer.accessToken}` },
        });
        return reply.status === 200 && reply;
      });
      const { text } = await readPdf(new Uint8Array(await pdf.arrayBuffer()));
      for (const part of [order.number, "$0.00", "There was nothing to pay."])
        assert.ok(text.includes(part), `${part} is not in:\n${text}`);

      const { id } = await deliveryOf(customer, order.id);
      await admin.http.expect(200, "PATCH", `/deliveries/${id}`, { body: { status: "shipped" } });
      await admin.http.expect(200, "PATCH", `/deliveries/${id}`, { body: { status: "delivered" } });
      await orderBecomes(customer, order.id, "delivered");
      await eventually("the cart is empty", async () => {
        const cart = await customer.http.expect<{ lines: unknown[] }>(200, "GET", "/cart");
        return cart.lines.length === 0;
      });
    });

  it("is one order for a repeated request", async () => {
    await putInCart(customer, free);
    const key = newId();
    const [one, other] = [await place(undefined, key), await place(undefined, key)];
    assert.deepEqual([one.status, other.status], [201, 201]);
    assert.equal(one.body.id, other.body.id);
  });

  it("gives its goods back when the delivery fails, and no provider refunds anything", async () => {
    const { sku } = await putOnSale(admin, { price: 0, onHand: 5 });
    await putInCart(customer, sku, 2);
    const { body: order } = await place();
    await stockBecomes(shop.http, sku, { onHand: 3, held: 0, available: 3 });
    const { id } = await deliveryOf(customer, order.id);
    await admin.http.expect(200, "PATCH", `/deliveries/${id}`, { body: { status: "failed" } });
    const ended = await orderBecomes(customer, order.id, "refunded");
    assert.equal(ended.payment, null);
    await stockBecomes(shop.http, sku, { onHand: 5, held: 0, available: 5 });
    const { items } = await admin.http.expect<{ items: unknown[] }>(200, "GET", "/payments/ledger");
    assert.deepEqual(items, []);
  });

  it("can't be paid or cancelled once it is paid, and can't be had without stock", async () => {
    await putInCart(customer, free);
    const { body: order } = await place();
    const pay = await customer.http.request<Problem>("POST", `/orders/${order.id}/payments`, {
      body: { provider: "sandbox" },
      headers: { "idempotency-key": newId() },
    });
    assert.deepEqual([pay.status, pay.body.code], [409, "ORDER_NOT_PAYABLE"]);
    const cancel = await customer.http.request<Problem>("POST", `/orders/${order.id}/cancel`);
    assert.deepEqual([cancel.status, cancel.body.code], [409, "ORDER_NOT_CANCELLABLE"]);
    const { sku } = await putOnSale(admin, { price: 0, onHand: 0 });
    await customer.http.expect(204, "DELETE", "/cart");
    await putInCart(customer, sku);
    const { body } = await place();
    assert.deepEqual([body.status, body.payment], ["rejected", null]);
  });

  it("is no other order: what costs something needs a payment, and the answer names the field", async () => {
    await putInCart(customer, free);
    await putInCart(customer, dear);
    const { status, body } = await place<Problem>();
    assert.deepEqual(
      [status, body.code, body.errors],
      [
        422,
        "VALIDATION_FAILED",
        [{ field: "payment", message: "must be given, because there is something to pay" }],
      ],
    );
    const unknown = await place<Problem>({ provider: "nobody" });
    assert.deepEqual([unknown.status, unknown.body.code], [422, "PROVIDER_UNKNOWN"]);
    const placed = await place({ provider: "sandbox" });
    assert.deepEqual([placed.body.status, placed.body.payment?.provider], ["awaiting_payment", "sandbox"]);
  });
});

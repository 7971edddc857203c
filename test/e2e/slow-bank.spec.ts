/** Customers pay by methods that take days. The order waits for its money, past its time to pay. */
import assert from "node:assert/strict";
import { newId } from "../../broker/contract/ids.ts";
import type { Problem } from "../../broker/http/problem.ts";
import type { Clock } from "../../broker/resilience/clock.ts";
import type { OrderView } from "../../services/orders/orders.contract.ts";
import type { Emulator } from "../../services/payments/providers/emulator.ts";
import { startStripe } from "../../services/payments/providers/stripe/emulator/stripe.ts";
import { eventually } from "../../souk/testing/eventually.ts";
import {
  decide,
  firstAdmin,
  home,
  order,
  orderBecomes,
  type Person,
  payPage,
  putInCart,
  putOnSale,
  signUp,
  stockBecomes,
} from "../../souk/testing/people.ts";
import { type Shop, startShop } from "../../souk/testing/start-shop.ts";
import { seededRandom } from "../support/seeded-random.ts";

const TIME_TO_PAY_MS = 60_000;
/** How long the sandbox's bank may take. Less than an access token is valid. */
const BANK_MS = 180_000;

describe("an order whose bank is slow", function () {
  this.timeout(60_000);
  let ahead = 0;
  const clock: Clock = { now: () => Date.now() + ahead };
  let stripe: Emulator;
  let shop: Shop;
  let admin: Person;
  let customer: Person;
  let sku: string;

  before(async () => {
    stripe = await startStripe({
      port: 0,
      webhookUrl: () => `${shop.url}/api/v1/payments/webhooks/stripe`,
      timeScale: 1_000,
      clock,
      random: seededRandom(1).next,
    });
    shop = await startShop({
      clock,
      env: {
        ...stripe.environment,
        ORDER_TTL: `${TIME_TO_PAY_MS}ms`,
        SANDBOX_PROCESSING_MAX: `${BANK_MS}ms`,
        RECONCILE_FIRST: "300ms",
      },
    });
    admin = await firstAdmin(shop.http);
  });
  after(async () => {
    await shop?.stop();
    await stripe?.close();
  });
  beforeEach(async () => {
    customer = await signUp(shop.http);
    ({ sku } = await putOnSale(admin, { onHand: 1 }));
  });

  const see = ({ id }: Pick<OrderView, "id">) => customer.http.expect<OrderView>(200, "GET", `/orders/${id}`);
  const paymentOf = async ({ id }: Pick<OrderView, "id">) => {
    const { items } = await customer.http.expect<{
      items: { id: string; status: string; nextAction: unknown; captured: { amount: number } }[];
    }>(200, "GET", `/orders/${id}/payments`);
    return items[0] ?? assert.fail("it has no payment");
  };
  const isProcessing = (it: OrderView) =>
    eventually(`${it.number} waits for the bank`, async () => {
      const now = await see(it);
      return now.payment?.status === "processing" && now;
    });
  const sandboxSays = async (page: string, outcome: string, expected = 202) =>
    assert.equal((await decide(shop.http, page, { outcome })).status, expected);
  /** The time to pay is over: another order, of somebody else, has expired of it. */
  async function timeIsOver() {
    const other = await signUp(shop.http);
    const { sku: plenty } = await putOnSale(admin);
    const unpaid = await order(other, plenty);
    ahead += TIME_TO_PAY_MS;
    await orderBecomes(other, unpaid.id, "expired");
  }
  const held = { onHand: 1, held: 1, available: 0 };
  const free = { onHand: 1, held: 0, available: 1 };

  /** By each provider: an order whose money is on its way, and how its bank decides. */
  const providers = {
    async sandbox() {
      const placed = await order(customer, sku);
      const page = payPage(placed);
      await sandboxSays(page, "process");
      return { placed, ends: (outcome: "succeed" | "decline") => sandboxSays(page, outcome) };
    },
    async stripe() {
      await putInCart(customer, sku);
      const placed = await customer.http.expect<OrderView>(201, "POST", "/orders", {
        body: { shippingAddress: home, payment: { provider: "stripe" } },
        headers: { "idempotency-key": newId(), prefer: "wait=5" },
      });
      const { providerRef } = await eventually("it is opened there", () =>
        stripe.records().find((it) => it.paymentId === placed.payment?.id),
      );
      await stripe.pay(providerRef, "process");
      return { placed, ends: (outcome: "succeed" | "decline") => stripe.pay(providerRef, outcome) };
    },
  };

  for (const [name, pay] of Object.entries(providers)) {
    it(`pay-processing-outlives-ttl: waits with its stock for ${name}, and is paid when the money comes`, async () => {
      const { placed, ends } = await pay();
      const slow = await isProcessing(placed);
      assert.deepEqual(
        [slow.status, slow.payment?.nextAction, slow.expiresAt],
        ["awaiting_payment", null, null],
      );
      const payment = await paymentOf(placed);
      assert.deepEqual([payment.status, payment.nextAction], ["processing", null]);
      const listed = await admin.http.expect<{ items: { id: string }[] }>(
        200,
        "GET",
        "/payments?status=processing",
      );
      assert.ok(
        listed.items.some((it) => it.id === payment.id),
        "staff see it",
      );
      await timeIsOver();
      assert.equal((await see(placed)).status, "awaiting_payment");
      await stockBecomes(shop.http, sku, held);
      await ends("succeed");
      await orderBecomes(customer, placed.id, "paid");
      await stockBecomes(shop.http, sku, { onHand: 0, held: 0, available: 0 });
      assert.equal((await paymentOf(placed)).captured.amount, 1_000);
    });

    it(`gives its stock back when ${name}'s bank declines after its time to pay`, async () => {
      const { placed, ends } = await pay();
      await isProcessing(placed);
      await timeIsOver();
      await ends("decline");
      await orderBecomes(customer, placed.id, "expired");
      await stockBecomes(shop.http, sku, free);
    });

    it(`can be paid otherwise when ${name}'s bank declines in its time to pay`, async () => {
      const { placed, ends } = await pay();
      await isProcessing(placed);
      await ends("decline");
      const failed = await eventually("it has failed", async () => {
        const now = await see(placed);
        return now.payment?.status === "failed" && now;
      });
      assert.deepEqual([failed.status, failed.expiresAt], ["awaiting_payment", placed.expiresAt]);
      const again = await customer.http.expect<OrderView>(201, "POST", `/orders/${placed.id}/payments`, {
        body: { provider: "sandbox" },
        headers: { "idempotency-key": newId(), prefer: "wait=5" },
      });
      await sandboxSays(payPage(again), "succeed");
      await orderBecomes(customer, placed.id, "paid");
    });
  }

  it("waits no longer than the provider's methods may take; money that comes later goes back", async () => {
    const placed = await order(customer, sku);
    const page = payPage(placed);
    await sandboxSays(page, "process");
    await isProcessing(placed);
    ahead += BANK_MS - 10_000;
    await timeIsOver();
    await orderBecomes(customer, placed.id, "expired");
    await stockBecomes(shop.http, sku, free);
    await sandboxSays(page, "succeed");
    await eventually("the money goes back", async () => (await paymentOf(placed)).status === "refunded");
  });

  it("is not paid a second time meanwhile, and can be cancelled: what comes goes back", async () => {
    const placed = await order(customer, sku);
    const page = payPage(placed);
    await sandboxSays(page, "process");
    await isProcessing(placed);
    await sandboxSays(page, "process", 409);
    const again = await customer.http.request<Problem>("POST", `/orders/${placed.id}/payments`, {
      body: { provider: "sandbox" },
      headers: { "idempotency-key": newId() },
    });
    assert.deepEqual([again.status, again.body.code], [409, "ORDER_NOT_PAYABLE"]);
    const cancelled = await customer.http.expect<OrderView>(200, "POST", `/orders/${placed.id}/cancel`);
    assert.equal(cancelled.status, "cancelled");
    await stockBecomes(shop.http, sku, free);
    await sandboxSays(page, "succeed");
    await eventually("the money goes back", async () => (await paymentOf(placed)).status === "refunded");
    assert.equal((await see(placed)).status, "cancelled");
  });

  it("does not keep its customer from ordering, as long as it holds no more than a customer may", async () => {
    const { sku: plenty } = await putOnSale(admin, { onHand: 100 });
    for (let n = 0; n < 4; n++) {
      const placed = await order(customer, plenty);
      await sandboxSays(payPage(placed), "process");
      await isProcessing(placed);
    }
    for (let n = 0; n < 3; n++) await order(customer, plenty);
    await customer.http.expect(204, "DELETE", "/cart");
    await putInCart(customer, plenty);
    const one = await customer.http.request<Problem>("POST", "/orders", {
      body: { shippingAddress: home, payment: { provider: "sandbox" } },
      headers: { "idempotency-key": newId() },
    });
    assert.deepEqual([one.status, one.body.code], [409, "TOO_MANY_OPEN_ORDERS"]);
  });

  it("tells those who follow it", async () => {
    const placed = await order(customer, sku);
    const stream = await fetch(`${shop.url}/api/v1/orders/${placed.id}/events`, {
      headers: { authorization: `Bearer ${customer.accessToken}`, accept: "text/event-stream" },
    });
    assert.ok(stream.body);
    await sandboxSays(payPage(placed), "process");
    let text = "";
    for await (const chunk of stream.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.includes('"status":"processing"')) break;
    }
    assert.match(text, /event: order\n/);
  });

  it("shows its bank's decision on the sandbox's page, which a form can make", async () => {
    const placed = await order(customer, sku);
    const page = payPage(placed);
    const post = (outcome: string) =>
      fetch(page, {
        method: "POST",
        body: new URLSearchParams({ page: "true", outcome }),
        redirect: "manual",
      });
    assert.equal((await post("process")).status, 303);
    assert.match(await (await fetch(page)).text(), /The bank works on this payment/);
    assert.equal((await post("succeed")).status, 303);
    await orderBecomes(customer, placed.id, "paid");
    assert.match(await (await fetch(page)).text(), /has been paid/);
  });
});

/** A shop whose customers pay at emulated providers, over a network that loses and duplicates webhooks. */
import assert from "node:assert/strict";
import type { Returned } from "../../broker/contract/contract.ts";
import { newId } from "../../broker/contract/ids.ts";
import { systemClock } from "../../broker/resilience/clock.ts";
import type { OrderView } from "../../services/orders/orders.contract.ts";
import { type Emulator, noFaults, type ProviderRecord } from "../../services/payments/providers/emulator.ts";
import { paypal } from "../../services/payments/providers/paypal/paypal.ts";
import { stripe } from "../../services/payments/providers/stripe/stripe.ts";
import { eventually } from "../../souk/testing/eventually.ts";
import {
  firstAdmin,
  home,
  orderBecomes,
  type Person,
  putInCart,
  putOnSale,
  signUp,
} from "../../souk/testing/people.ts";
import { type Shop, startShop } from "../../souk/testing/start-shop.ts";
import { seededRandom } from "../support/seeded-random.ts";

type PaymentView = Returned<"payments.listByOrder">["items"][number];

const PROVIDERS = [stripe, paypal];

describe("paying at providers", function () {
  this.timeout(60_000);
  const running = new Map<string, Emulator>();
  let shop: Shop;
  let admin: Person;
  let sku: string;

  before(async () => {
    let url = "";
    for (const [index, { name, emulator: load }] of PROVIDERS.entries()) {
      const start = (await load?.()) ?? assert.fail(name);
      const emulator = await start({
        port: 0,
        webhookUrl: () => `${url}/api/v1/payments/webhooks/${name}`,
        // Five minutes are 0.3 seconds.
        timeScale: 1_000,
        clock: systemClock,
        random: seededRandom(index + 1).next,
      });
      running.set(name, emulator);
    }
    const env = Object.assign({}, ...[...running.values()].map((it) => it.environment));
    shop = await startShop({ env: { ...env, RECONCILE_FIRST: "300ms", RECONCILE_MAX: "1s" } });
    url = shop.url;
    admin = await firstAdmin(shop.http);
    ({ sku } = await putOnSale(admin, { price: 1_299, onHand: 1_000 }));
  });
  after(async () => {
    for (const emulator of running.values()) await emulator.close();
    await shop?.stop();
  });

  for (const { name: provider } of PROVIDERS)
    describe(provider, () => {
      let at: Emulator;

      before(() => {
        at = running.get(provider) as Emulator;
      });
      afterEach(() => {
        Object.assign(at.knobs, noFaults());
      });

      const ordered = async (quantity = 1): Promise<{ customer: Person; order: OrderView }> => {
        const customer = await signUp(shop.http);
        await putInCart(customer, sku, quantity);
        const order = await customer.http.expect<OrderView>(201, "POST", "/orders", {
          body: { shippingAddress: home, payment: { provider } },
          headers: { "idempotency-key": newId(), prefer: "wait=5" },
        });
        return { customer, order };
      };
      const booked = (order: OrderView): Promise<ProviderRecord> =>
        eventually(`${order.number} is opened at ${provider}`, () =>
          at.records().find((it) => it.paymentId === order.payment?.id),
        );
      const paid = async (quantity = 1) => {
        const { customer, order } = await ordered(quantity);
        const { providerRef } = await booked(order);
        await at.pay(providerRef, "succeed");
        await orderBecomes(customer, order.id, "paid");
        return { customer, order, providerRef };
      };
      const paymentOf = async ({ http }: Person, { id }: OrderView): Promise<PaymentView> => {
        const { items } = await http.expect<{ items: PaymentView[] }>(200, "GET", `/orders/${id}/payments`);
        assert.equal(items.length, 1);
        return items[0] as PaymentView;
      };
      const anomaliesOf = async (order: OrderView): Promise<string[]> => {
        const { items } = await admin.http.expect<{ items: { kind: string; paymentId: string }[] }>(
          200,
          "GET",
          "/payments/anomalies?limit=100",
        );
        return items.filter((it) => it.paymentId === order.payment?.id).map((it) => it.kind);
      };

      it("takes the money once the customer has paid, and hears of refunds wherever they are made", async () => {
        const { customer, order, providerRef } = await paid(2);
        assert.equal((await booked(order)).captured, 2_598);
        const payment = await paymentOf(customer, order);
        await admin.http.expect(201, "POST", `/payments/${payment.id}/refunds`, {
          body: { amount: 598, reason: "a scratch" },
          headers: { "idempotency-key": newId() },
        });
        await eventually("the first refund is made", async () => {
          const now = await paymentOf(customer, order);
          return now.status === "partially_refunded" && now.refunded.amount === 598;
        });
        await at.refundAtProvider(providerRef, 2_000);
        await orderBecomes(customer, order.id, "refunded");
        assert.equal((await paymentOf(customer, order)).status, "refunded");
        assert.equal((await booked(order)).refunded, 2_598);
        assert.deepEqual(await anomaliesOf(order), []);
      });

      it("survives what networks do: every order is paid, once", async () => {
        at.knobs.webhooks = {
          duplicate: 0.3,
          reorder: 0.3,
          drop: 0.3,
          tamper: 0.2,
          delayMs: 5,
          race: false,
        };
        at.knobs.api = (["reset", 500, "unreachable", 429, 503, "reset"] as const).map((fault) => ({
          times: 2,
          fault,
        }));
        const all = await Promise.all(Array.from({ length: 12 }, () => ordered()));
        for (const [index, { order }] of all.entries()) {
          if (index === 6) at.knobs.api.push({ times: 3, fault: "reset" }, { times: 3, fault: 500 });
          const { providerRef } = await booked(order);
          await at.pay(providerRef, "succeed");
        }
        for (const { customer, order } of all) {
          await eventually(
            `${order.number} is paid`,
            async () => {
              const { status } = await customer.http.expect<OrderView>(200, "GET", `/orders/${order.id}`);
              return status === "paid";
            },
            30_000,
          );
          const { captured } = await paymentOf(customer, order);
          assert.equal(captured.amount, 1_299);
        }
        const ids = new Set(all.map(({ order }) => order.payment?.id ?? ""));
        const records = at.records().filter((it) => ids.has(it.paymentId ?? ""));
        assert.equal(
          records.reduce((sum, it) => sum + it.captured, 0),
          12 * 1_299,
        );
        assert.equal(
          records.reduce((sum, it) => sum + it.refunded, 0),
          0,
        );
      });

      it("hears of a payment although its webhook is lost", async () => {
        at.knobs.webhooks = { ...noFaults().webhooks, drop: 1 };
        await paid();
      });

      it("never takes a wrong amount for a payment", async () => {
        const { customer, order } = await ordered();
        await at.pay((await booked(order)).providerRef, "tooMuch");
        await eventually("staff hear of it", async () =>
          (await anomaliesOf(order)).includes("amount_mismatch"),
        );
        const { status } = await customer.http.expect<OrderView>(200, "GET", `/orders/${order.id}`);
        assert.equal(status, "awaiting_payment");
      });

      it("lets nothing be taken for an order that was cancelled", async () => {
        const { customer, order } = await ordered();
        const { providerRef } = await booked(order);
        await customer.http.expect(200, "POST", `/orders/${order.id}/cancel`);
        await orderBecomes(customer, order.id, "cancelled");
        // Closed there too, or paid in vain.
        await at.pay(providerRef, "succeed").catch((error: Error) => assert.match(error.message, /409/));
        await at.idle();
        await eventually("the payment is over", async () => {
          const { status } = await paymentOf(customer, order);
          const { captured, refunded } = await booked(order);
          return (
            (status === "cancelled" && captured === 0) || (status === "refunded" && captured === refunded)
          );
        });
      });

      it("tells staff when a customer's bank takes the money back", async () => {
        const { order, providerRef } = await paid();
        await at.dispute(providerRef);
        await eventually("staff hear of it", async () => (await anomaliesOf(order)).includes("disputed"));
      });
    });
});

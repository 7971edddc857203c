/** Payments by hand: staff open one for a customer's order, and the provider mails to the customer. Over HTTP. */
import assert from "node:assert/strict";
import { newId } from "../../../broker/contract/ids.ts";
import { systemClock } from "../../../broker/resilience/clock.ts";
import type { OrderView } from "../../../services/orders/orders.contract.ts";
import type { Emulator, StartEmulator } from "../../../services/payments/providers/emulator.ts";
import { startMidtrans } from "../../../services/payments/providers/midtrans/emulator/midtrans.ts";
import { startPayPal } from "../../../services/payments/providers/paypal/emulator/paypal.ts";
import { startStripe } from "../../../services/payments/providers/stripe/emulator/stripe.ts";
import { startXendit } from "../../../services/payments/providers/xendit/emulator/xendit.ts";
import {
  hireStaff,
  home,
  orderBecomes,
  PASSWORD,
  type Person,
  putInCart,
  signIn,
  signUp,
} from "../../../souk/testing/people.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";

const START: Record<string, StartEmulator> = {
  xendit: startXendit,
  midtrans: startMidtrans,
  stripe: startStripe,
  paypal: startPayPal,
};
const SEND = Object.fromEntries(Object.keys(START).map((it) => [`${it.toUpperCase()}_SEND_EMAIL`, "on"]));

/** What each provider was told of its customer, read as its merchant or customer would. */
const TOLD: Record<string, (at: Emulator, ref: string, url: string) => Promise<string | null>> = {
  async xendit({ url, environment }, ref) {
    const authorization = `Basic ${Buffer.from(`${environment.XENDIT_SECRET_KEY}:`).toString("base64")}`;
    const answer = await fetch(`${url}/v2/invoices/${ref}`, { headers: { authorization } });
    const { payer_email = null, should_send_email } = (await answer.json()) as {
      payer_email?: string;
      should_send_email: boolean;
    };
    assert.equal(should_send_email, payer_email !== null);
    return payer_email;
  },
  async midtrans(_, __, page) {
    return /[^ ]+@[^ <]+/.exec(await (await fetch(page)).text())?.[0] ?? null;
  },
  async stripe({ url, environment }, ref) {
    const headers = { authorization: `Bearer ${environment.STRIPE_SECRET_KEY}` };
    const answer = await fetch(`${url}/v1/payment_intents/${ref}`, { headers });
    return ((await answer.json()) as { receipt_email: string | null }).receipt_email;
  },
  async paypal(_, __, page) {
    return /[^ >"]+@[^ <"]+/.exec(await (await fetch(page)).text())?.[0] ?? null;
  },
};

for (const sends of [true, false])
  describe(`payments by hand, where providers get ${sends ? "the customer's address" : "no address"}`, function () {
    this.timeout(60_000);
    const emulators = new Map<string, Emulator>();
    let shop: Shop;
    let staff: Person;

    before(async () => {
      for (const [name, start] of Object.entries(START))
        emulators.set(
          name,
          await start({
            port: 0,
            webhookUrl: () => `${shop.url}/api/v1/payments/webhooks/${name}`,
            timeScale: 1_000,
            clock: systemClock,
            random: () => 0.5,
          }),
        );
      const env = Object.assign({}, ...[...emulators.values()].map((it) => it.environment));
      shop = await startShop({ env: { ...env, ...(sends ? SEND : {}) } });
      staff = await hireStaff(shop);
    });
    after(async () => {
      for (const it of emulators.values()) await it.close();
      await shop?.stop();
    });

    /** @param email the customer's, as typed */
    async function placed(currency: string, email = `${newId()}@example.com`) {
      const sku = `SKU-${newId()}`;
      await staff.http.expect(201, "POST", "/inventory", { body: { sku, onHand: 10 } });
      await staff.http.expect(201, "POST", "/products", {
        body: {
          name: `Lamp ${newId()}`,
          variants: [{ sku, price: { amount: 1_000_000, currency } }],
        },
      });
      const account = { email, password: PASSWORD, name: "Ann" };
      await shop.http.expect(201, "POST", "/auth/register", { body: account });
      const customer = await signIn(shop.http, email);
      await putInCart(customer, sku);
      const order = await customer.http.expect<OrderView>(201, "POST", "/orders", {
        body: { shippingAddress: home, payment: { provider: "sandbox" } },
        headers: { "idempotency-key": newId(), prefer: "wait=5" },
      });
      return { customer, email, order };
    }
    const open = (by: Person, order: OrderView, provider: string, key = newId()) =>
      by.http.request<OrderView>("POST", `/orders/${order.id}/payments`, {
        body: { provider },
        headers: { "idempotency-key": key, prefer: "wait=5" },
      });
    const stateOf = async (paymentId = "") => {
      const payments = shop.node.runtime
        .database("payments")
        .collection<{ _id: string; state: { providerRef: string; email?: string } }>("payments");
      return (await payments.findOne({ _id: paymentId }))?.state ?? assert.fail("there is no payment");
    };

    for (const [provider, currency] of [
      ["xendit", "IDR"],
      ["midtrans", "IDR"],
      ["stripe", "USD"],
      ["paypal", "USD"],
    ] as const)
      it(`are opened by staff at ${provider}, for the customer, once per key`, async () => {
        const at = emulators.get(provider) ?? assert.fail("it runs");
        const { customer, email, order } = await placed(currency);
        const before = at.records().length;
        const key = newId();
        const [first, again] = [
          await open(staff, order, provider, key),
          await open(staff, order, provider, key),
        ];
        assert.deepEqual([first.status, again.status], [201, 201]);
        assert.equal(again.body.payment?.id, first.body.payment?.id);
        assert.equal(at.records().length, before + 1);
        const { payment } = await customer.http.expect<OrderView>(200, "GET", `/orders/${order.id}`);
        assert.deepEqual([payment?.provider, payment?.status], [provider, "pending"]);
        const { providerRef, email: kept } = await stateOf(payment?.id);
        assert.equal(kept, undefined, "it is not kept once the payment is open");
        const page = payment?.nextAction?.type === "redirect" ? payment.nextAction.url : "";
        assert.equal(await TOLD[provider]?.(at, providerRef, page), sends ? email : null);
        await at.pay(providerRef, "succeed");
        await orderBecomes(customer, order.id, "paid");
      });

    it("are renewed by staff: the earlier one is closed, and a paid order takes no more", async () => {
      const { customer, order } = await placed("IDR");
      const xendit = emulators.get("xendit") ?? assert.fail("it runs");
      const first = await open(staff, order, "xendit");
      const second = await open(staff, order, "xendit");
      const { providerRef: old } = await stateOf(first.body.payment?.id);
      const { providerRef } = await stateOf(second.body.payment?.id);
      assert.notEqual(providerRef, old);
      await xendit.pay(providerRef, "succeed");
      await orderBecomes(customer, order.id, "paid");
      assert.equal(xendit.records().find((it) => it.providerRef === old)?.status, "EXPIRED");
      assert.equal((await open(staff, order, "xendit")).status, 409);
    });

    it("need a key, and are for the customer and staff only", async () => {
      const { order } = await placed("IDR");
      const { status } = await staff.http.request("POST", `/orders/${order.id}/payments`, {
        body: { provider: "xendit" },
      });
      assert.equal(status, 400);
      const other = await signUp(shop.http);
      assert.equal((await open(other, order, "xendit")).status, 404);
    });

    if (sends)
      it("go to international addresses as providers read them, and to none that they can't", async () => {
        const xendit = emulators.get("xendit") ?? assert.fail("it runs");
        for (const [email, told] of [
          ["info@übung.de", "info@xn--bung-zra.de"],
          ["jörg@example.com", null],
        ] as const) {
          const { order } = await placed("IDR", email);
          const { body } = await open(staff, order, "xendit");
          const { providerRef } = await stateOf(body.payment?.id);
          assert.equal(await TOLD.xendit?.(xendit, providerRef, ""), told, email);
        }
      });
  });

/** Customers who come back from a provider's page, and what a checkout page learns of the providers. Over HTTP. */
import assert from "node:assert/strict";
import { newId } from "../../../broker/contract/ids.ts";
import { systemClock } from "../../../broker/resilience/clock.ts";
import type { OrderView } from "../../../services/orders/orders.contract.ts";
import type { Emulator } from "../../../services/payments/providers/emulator.ts";
import { startPayPal } from "../../../services/payments/providers/paypal/emulator/paypal.ts";
import {
  firstAdmin,
  home,
  orderBecomes,
  type Person,
  putInCart,
  putOnSale,
  signUp,
} from "../../../souk/testing/people.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";

interface Problem {
  code: string;
  errors?: { field: string; message: string }[];
}
interface Offered {
  items: { name: string; title: string; currencies: string[] | null; options: { type: string } }[];
}

describe("coming back from a provider", function () {
  this.timeout(60_000);
  let shop: Shop;
  let paypal: Emulator;
  let admin: Person;
  let sku: string;

  before(async () => {
    paypal = await startPayPal({
      port: 0,
      webhookUrl: () => `${shop.url}/api/v1/payments/webhooks/paypal`,
      timeScale: 1_000,
      clock: systemClock,
      random: () => 0.5,
    });
    shop = await startShop({
      env: { ...paypal.environment, RETURN_ORIGINS: "https://shop.example,http://localhost:5173" },
    });
    admin = await firstAdmin(shop.http);
    ({ sku } = await putOnSale(admin, { price: 1_299, onHand: 1_000 }));
  });
  after(async () => {
    await paypal?.close();
    await shop?.stop();
  });

  async function place<B = OrderView>(payment: object, customer?: Person) {
    const person = customer ?? (await signUp(shop.http));
    await putInCart(person, sku);
    const reply = await person.http.request<B>("POST", "/orders", {
      body: { shippingAddress: home, payment },
      headers: { "idempotency-key": newId(), prefer: "wait=5" },
    });
    return { person, ...reply };
  }
  const pageOf = ({ payment }: OrderView): string =>
    payment?.nextAction?.type === "redirect" ? payment.nextAction.url : assert.fail("there is a page");
  const submit = (page: string, form: Record<string, string>) =>
    fetch(page, { method: "POST", body: new URLSearchParams(form), redirect: "manual" });

  for (const [outcome, told, status] of [
    ["succeed", "succeeded", "paid"],
    ["cancel", "cancelled", "awaiting_payment"],
  ] as const)
    it(`leads from PayPal to the page that the order names: ${outcome}`, async () => {
      const { person, body: order } = await place({
        provider: "paypal",
        returnUrl: "https://shop.example/thanks?lang=en#/order",
      });
      const { headers, status: answered } = await submit(pageOf(order), { outcome });
      assert.equal(answered, 303);
      const back = new URL(headers.get("location") ?? "");
      assert.equal(`${back.origin}${back.pathname}${back.hash}`, "https://shop.example/thanks#/order");
      assert.deepEqual(
        ["lang", "orderId", "outcome"].map((it) => back.searchParams.get(it)),
        ["en", order.id, told],
      );
      assert.ok(back.searchParams.get("token"), "PayPal adds its own");
      await orderBecomes(person, order.id, status);
    });

  it("leads from PayPal to a page of the gateway where none is named, which changes nothing, however often it is seen", async () => {
    const { person, body: order } = await place({ provider: "paypal" });
    const { headers } = await submit(pageOf(order), { outcome: "succeed" });
    const back = headers.get("location") ?? "";
    assert.ok(back.startsWith(`${shop.url}/api/v1/payments/return?`), back);
    for (let n = 0; n < 3; n++) {
      const page = await fetch(`${back}&PayerID=ABC&a%5Bb%5D=c`, { headers: { accept: "text/html" } });
      assert.equal(page.status, 200);
      assert.match(page.headers.get("content-type") ?? "", /^text\/html/);
      assert.match(await page.text(), /<h1>Thank you<\/h1>/);
    }
    await orderBecomes(person, order.id, "paid");
    const taken = paypal.records().filter((it) => it.paymentId === order.payment?.id);
    assert.deepEqual(
      taken.map((it) => it.captured),
      [1_299],
    );
    // An address that anybody can write pays nothing.
    const other = await place({ provider: "paypal" });
    await fetch(`${shop.url}/api/v1/payments/return?orderId=${other.body.id}&outcome=succeeded`);
    const { status } = await other.person.http.expect<OrderView>(200, "GET", `/orders/${other.body.id}`);
    assert.equal(status, "awaiting_payment");
  });

  it("leads from the sandbox's page to the page that the order names, by link and by itself", async () => {
    const { person, body: order } = await place({ provider: "sandbox", returnUrl: "http://localhost:5173/" });
    const page = pageOf(order);
    const link = (outcome: string) => `http://localhost:5173/?orderId=${order.id}&amp;outcome=${outcome}`;
    assert.ok((await (await fetch(page)).text()).includes(`<a href="${link("failed")}">`));
    const answer = await submit(page, { outcome: "succeed", page: "true" });
    assert.equal(answer.status, 303);
    const after = await (await fetch(new URL(answer.headers.get("location") ?? "", page))).text();
    assert.ok(after.includes(`<a href="${link("succeeded")}">`), after);
    assert.ok(after.includes(`<meta http-equiv="refresh" content="3; url=${link("succeeded")}">`), after);
    await orderBecomes(person, order.id, "paid");
  });

  it("holds for a further attempt to pay, each with its own page", async () => {
    const { person, body: order } = await place({ provider: "sandbox" });
    const again = await person.http.expect<OrderView>(201, "POST", `/orders/${order.id}/payments`, {
      body: { provider: "paypal", returnUrl: "http://localhost:5173/again" },
      headers: { "idempotency-key": newId(), prefer: "wait=5" },
    });
    const { headers } = await submit(pageOf(again), { outcome: "cancel" });
    assert.ok(headers.get("location")?.startsWith("http://localhost:5173/again?"));
  });

  it("is refused to pages elsewhere, with the field, and nothing is ordered", async () => {
    for (const returnUrl of [
      "https://evil.example/",
      "https://shop.example@evil.example/",
      "https://shop.example.evil.example/",
      "https://shop.example:8443/",
      "http://shop.example/",
      "http://localhost:5174/",
      "https://evil.example\\@shop.example/",
      "//shop.example/",
      "/thanks",
      "javascript:alert(1)",
      "data:text/html,hello",
      "",
      `https://shop.example/${"a".repeat(2_000)}`,
      // The gateway itself is none of RETURN_ORIGINS.
      shop.url,
      42,
      null,
      ["https://shop.example/"],
      { $ne: "" },
    ]) {
      const { status, body, person } = await place<Problem>({ provider: "sandbox", returnUrl });
      assert.deepEqual(
        [status, body.code, body.errors?.map((it) => it.field)],
        [422, "VALIDATION_FAILED", ["payment.returnUrl"]],
        String(returnUrl),
      );
      const { items } = await person.http.expect<{ items: OrderView[] }>(200, "GET", "/orders");
      assert.deepEqual(items, []);
    }
    const { person, body: order } = await place({ provider: "sandbox" });
    const { status, body } = await person.http.request<Problem>("POST", `/orders/${order.id}/payments`, {
      body: { provider: "sandbox", returnUrl: "https://evil.example/" },
      headers: { "idempotency-key": newId() },
    });
    assert.deepEqual([status, body.errors?.map((it) => it.field)], [422, ["returnUrl"]]);
  });

  it("shows a checkout page which providers there are, to anybody", async () => {
    const { items } = await shop.http.expect<Offered>(200, "GET", "/payment-providers");
    assert.deepEqual(
      items.map(({ name, title }) => [name, title]),
      [
        ["paypal", "PayPal"],
        ["sandbox", "Sandbox"],
      ],
    );
    assert.ok(items[0]?.currencies?.includes("USD"));
    for (const { options } of items) assert.equal(options.type, "object");
  });
});

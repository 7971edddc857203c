import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type Child, startChild } from "../../../scripts/support/children.ts";
import { anAddress } from "../../../souk/testing/address.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import type { HttpClient } from "../../../souk/testing/http-client.ts";
import { BOOTSTRAP_TOKEN, type Shop, startShop } from "../../../souk/testing/start-shop.ts";
import { deleteQueues } from "../../support/rabbit/rabbit-cleanup.ts";
import { type TcpProxy, tcpProxy } from "../../support/servers/tcp-proxy.ts";
import { type TcpStore, tcpStore } from "../../support/servers/tcp-store.ts";

interface Order {
  id: string;
  status: string;
  payment: { nextAction: { url: string } | null };
}

interface Problem {
  code: string;
}

/** An admin, and a SKU with ten units on hand. */
async function furnish(http: HttpClient): Promise<HttpClient> {
  const body = {
    token: BOOTSTRAP_TOKEN,
    email: "boss@example.com",
    password: "a-long-passphrase",
    name: "Boss",
  };
  const { accessToken } = await http.expect<{ accessToken: string }>(201, "POST", "/auth/bootstrap", {
    body,
  });
  const staff = http.as(accessToken);
  const product = { name: "Lamp", variants: [{ sku: "LAMP-1", price: { amount: 1_000, currency: "USD" } }] };
  await staff.expect(201, "POST", "/products", { body: product });
  await staff.expect(201, "POST", "/inventory", { body: { sku: "LAMP-1", onHand: 10 } });
  await staff.expect(200, "PUT", "/cart/items/LAMP-1", { body: { quantity: 2 } });
  return staff;
}

const checkout = {
  shippingAddress: anAddress(),
  payment: { provider: "sandbox" },
};

describe("the database away", () => {
  let place: TcpStore;
  let store: Child;
  let shop: Shop;
  let staff: HttpClient;

  const startStore = () => {
    store = startChild("store", place.script, [...place.args, "--sync", "normal"], {
      env: process.env,
      restart: false,
      print: () => undefined,
    });
    return store.line((line) => line.startsWith("mongodb://"));
  };

  before(async function () {
    this.timeout(60_000);
    place = await tcpStore();
  });

  after(async function () {
    this.timeout(30_000);
    await shop?.stop();
    await store?.stop(5_000);
    await place.remove();
  });

  it("at the start: the node waits, and starts once it is there", async function () {
    this.timeout(60_000);
    let started = false;
    const starting = startShop({
      env: { MONGO_URL: place.uri },
    }).then((it) => {
      started = true;
      return it;
    });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    assert.equal(started, false);
    await startStore();
    shop = await starting;
    staff = await furnish(shop.http);
  });

  it("later, after kill -9: 503 with Retry-After, and on as before when it is back", async function () {
    this.timeout(60_000);
    process.kill(store.pid ?? 0, "SIGKILL");
    const reply = await eventually("a call that needs the database gets 503", async () => {
      const it = await shop.http.request<Problem>("GET", "/inventory/LAMP-1");
      return it.status === 503 && it;
    });
    assert.equal(reply.body.code, "UNAVAILABLE");
    assert.ok(Number(reply.headers.get("retry-after")) >= 1);
    const refused = await staff.request("POST", "/orders", {
      body: checkout,
      headers: { "idempotency-key": randomUUID() },
    });
    assert.equal(refused.status, 503);

    await startStore();
    await eventually(
      "it answers again",
      async () => (await shop.http.request("GET", "/inventory/LAMP-1")).status === 200,
      20_000,
    );
    const order = await eventually("an order goes through", async () => {
      const it = await staff.request<Order>("POST", "/orders", {
        body: checkout,
        headers: { "idempotency-key": "again" },
      });
      return it.status === 201 && it.body;
    });
    await eventually(
      "it awaits payment",
      async () =>
        (await staff.expect<Order>(200, "GET", `/orders/${order.id}`)).status === "awaiting_payment",
    );
  });
});

describe("RabbitMQ away", () => {
  const AMQP_URL = process.env.AMQP_URL ?? "amqp://guest:guest@127.0.0.1:5672";
  const prefix = `test-${randomUUID().slice(0, 8)}`;
  let proxy: TcpProxy;
  let shop: Shop;

  before(async () => {
    proxy = await tcpProxy(AMQP_URL);
    proxy.refuse();
  });

  after(async function () {
    this.timeout(60_000);
    await shop?.stop();
    await proxy.close();
    await deleteQueues(AMQP_URL, prefix);
  });

  it("at the start: the node waits; later: nothing is lost, and all goes on by itself", async function () {
    this.timeout(90_000);
    let started = false;
    const starting = startShop({
      // One process: its calls stay inside, so that only messages need RabbitMQ.
      env: { AMQP_URL: proxy.via(AMQP_URL), AMQP_PREFIX: prefix, TRANSPORTER: "Fake" },
    }).then((it) => {
      started = true;
      return it;
    });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    assert.equal(started, false);
    proxy.allow();
    shop = await starting;
    const staff = await furnish(shop.http);

    proxy.refuse();
    const order = await staff.expect<Order>(201, "POST", "/orders", {
      body: checkout,
      headers: { "idempotency-key": randomUUID(), prefer: "wait=1" },
    });
    assert.equal(order.status, "placed");

    proxy.allow();
    const payable = await eventually(
      "the order goes on",
      async () => {
        const it = await staff.expect<Order>(200, "GET", `/orders/${order.id}`);
        return it.status === "awaiting_payment" && it.payment.nextAction !== null && it;
      },
      30_000,
    );
    assert.match(payable.payment.nextAction?.url ?? "", /sandbox/);
    const stock = await staff.expect<{ held: number }>(200, "GET", "/inventory/LAMP-1");
    assert.equal(stock.held, 2);
  });
});

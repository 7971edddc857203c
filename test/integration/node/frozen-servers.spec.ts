/** A store or a Redis that is silent and keeps its connections. Whatever needs it fails within seconds. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type Child, startChild } from "../../../scripts/support/children.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { freePort } from "../../../souk/testing/free-port.ts";
import type { HttpClient } from "../../../souk/testing/http-client.ts";
import {
  type Article,
  firstAdmin,
  orderBecomes,
  orderCart,
  PASSWORD,
  type Person,
  putInCart,
  putOnSale,
  signUp,
} from "../../../souk/testing/people.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";
import { type TcpStore, tcpStore } from "../../support/servers/tcp-store.ts";

/** What a request may take that needs what is frozen. */
const TIMEOUT_MS = 8_000;
const FROZEN_MS = 12_000;

interface Answer {
  what: string;
  /** Milliseconds since the freeze. */
  at: number;
  ms: number;
  status: number;
  code: string | undefined;
  retryAfter: string | null;
}

const canConnect = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });

const note = (line: string) => console.log(`      ${line}`);

/** Sends each of these every second while `pid` is frozen. */
async function whileFrozen(pid: number, requests: Record<string, () => ReturnType<HttpClient["request"]>>) {
  process.kill(pid, "SIGSTOP");
  const began = performance.now();
  const sent: Promise<Answer>[] = [];
  try {
    while (performance.now() - began < FROZEN_MS / 2) {
      const at = performance.now() - began;
      for (const [what, send] of Object.entries(requests))
        sent.push(
          send().then(({ status, headers, body }) => ({
            what,
            at,
            ms: performance.now() - began - at,
            status,
            code: (body as { code?: string }).code,
            retryAfter: headers.get("retry-after"),
          })),
        );
      await sleep(1_000);
    }
    await Promise.race([Promise.all(sent), sleep(TIMEOUT_MS + 20_000)]);
  } finally {
    process.kill(pid, "SIGCONT");
  }
  const answers = await Promise.all(sent);
  for (const what of Object.keys(requests)) {
    const its = answers.filter((it) => it.what === what);
    const times = its.map((it) => `${it.status} ${Math.round(it.ms)}`).join(", ");
    note(`${what}: ${times} ms`);
  }
  return answers;
}

describe("a frozen store", function () {
  this.timeout(120_000);
  let place: TcpStore;
  let store: Child;
  let shop: Shop;
  let admin: Person;
  let buyer: Person;
  let sku: string;
  let productId: string;

  before(async () => {
    place = await tcpStore();
    store = startChild("store", place.script, [...place.args, "--sync", "normal"], {
      env: process.env,
      restart: false,
      print: () => undefined,
    });
    await store.line((line) => line.startsWith("mongodb://"));
    shop = await startShop({ env: { MONGO_URL: place.uri, LOG_LEVEL: "fatal" } });
    admin = await firstAdmin(shop.http);
    ({ sku, productId } = await putOnSale(admin));
    buyer = await signUp(shop.http);
    await putInCart(buyer, sku, 1);
  });
  after(async () => {
    await shop?.stop();
    await store?.stop(5_000);
    await place.remove();
  });

  it("lets no request hang: 503 with Retry-After within seconds, and on when it is back", async () => {
    const key = randomUUID();
    const placed = await orderCart(buyer, randomUUID(), 0);
    assert.equal(placed.status, 201);
    const other = await signUp(shop.http);
    await putInCart(other, sku, 1);
    let n = 0;
    const answers = await whileFrozen(store.pid ?? 0, {
      "GET product": () => shop.http.request("GET", `/products/${productId}`),
      "GET stock": () => shop.http.request("GET", `/inventory/${sku}`),
      "GET orders": () => buyer.http.request("GET", "/orders"),
      "GET order": () => buyer.http.request("GET", `/orders/${placed.body.id}`),
      "GET cart": () => buyer.http.request("GET", "/cart"),
      "PUT cart": () =>
        buyer.http.request("PUT", `/cart/items/${sku}`, { body: { quantity: (n++ % 9) + 1 } }),
      "POST orders": () => orderCart(other, key),
      "POST cancel": () => buyer.http.request("POST", `/orders/${placed.body.id}/cancel`, { body: {} }),
      "POST login": () =>
        shop.http.request("POST", "/auth/login", { body: { email: buyer.email, password: "wrong-wrong" } }),
      "POST adjustments": () =>
        admin.http.request("POST", `/inventory/${sku}/adjustments`, {
          body: { delta: 1, reason: "count" },
          headers: { "idempotency-key": "adjust-once" },
        }),
    });
    for (const { what, ms, status, code, retryAfter } of answers) {
      const text = `${what}: ${status} ${code} after ${Math.round(ms)} ms`;
      assert.ok(ms < TIMEOUT_MS, text);
      // A cached answer needs no store. A repeated key is still in progress.
      if (status === 200 || code === "IDEMPOTENCY_IN_PROGRESS") continue;
      assert.deepEqual([status, code], [503, "UNAVAILABLE"], text);
      assert.ok(Number(retryAfter) >= 1, text);
    }
    for (const what of ["GET orders", "GET cart", "PUT cart", "POST orders", "POST cancel"])
      assert.ok(
        answers.some((it) => it.what === what && it.status === 503),
        what,
      );

    const made = await eventually("an order goes through, under the same key", async () => {
      const reply = await orderCart(other, key);
      return reply.status === 201 && reply.body;
    });
    await orderBecomes(other, made.id, "awaiting_payment");
    const { items } = await other.http.expect<{ items: { id: string }[] }>(200, "GET", "/orders");
    assert.deepEqual(
      items.map((it) => it.id),
      [made.id],
    );
    // Cancelled by a request with an unknown outcome, or continued.
    await orderBecomes(buyer, placed.body.id, "awaiting_payment", "cancelled");
    const stock = await eventually("stock is adjusted once, whatever was asked", async () => {
      const reply = await admin.http.request<{ onHand: number }>("POST", `/inventory/${sku}/adjustments`, {
        body: { delta: 1, reason: "count" },
        headers: { "idempotency-key": "adjust-once" },
      });
      return reply.status === 200 && reply.body;
    });
    assert.equal(stock.onHand, 101);
  });
});

describe("a frozen Redis", function () {
  this.timeout(120_000);
  let redis: ChildProcess;
  let shop: Shop;
  let buyer: Person;
  let article: Article;

  before(async () => {
    const port = await freePort();
    redis = spawn("redis-server", ["--port", String(port), "--save", "", "--bind", "127.0.0.1"], {
      stdio: "ignore",
    });
    await eventually("Redis listens", () => canConnect(port));
    const env = { REDIS_URL: `redis://127.0.0.1:${port}`, RATE_LIMIT: "10000", LOG_LEVEL: "fatal" };
    shop = await startShop({ env });
    article = await putOnSale(await firstAdmin(shop.http));
    buyer = await signUp(shop.http);
    await putInCart(buyer, article.sku, 1);
  });
  after(async () => {
    await shop?.stop();
    redis.kill("SIGKILL");
  });

  it("makes carts answer 503 within seconds, and leaves all else alone", async () => {
    const { sku, productId } = article;
    let n = 0;
    const answers = await whileFrozen(redis.pid ?? 0, {
      "GET product": () => shop.http.request("GET", `/products/${productId}`),
      "GET orders": () => buyer.http.request("GET", "/orders"),
      "GET cart": () => buyer.http.request("GET", "/cart"),
      "PUT cart": () =>
        buyer.http.request("PUT", `/cart/items/${sku}`, { body: { quantity: (n++ % 9) + 1 } }),
      "POST orders": () => orderCart(buyer),
      "POST login": () =>
        shop.http.request("POST", "/auth/login", { body: { email: buyer.email, password: PASSWORD } }),
    });
    for (const { what, at, ms, status, code, retryAfter } of answers) {
      const text = `${what}: ${status} ${code} after ${Math.round(ms)} ms`;
      assert.ok(ms < TIMEOUT_MS, text);
      const needsRedis = /cart|POST orders/.test(what);
      assert.equal(status, needsRedis ? 503 : 200, text);
      if (needsRedis) assert.ok(code === "UNAVAILABLE" && Number(retryAfter) >= 1, text);
      // By then the rate limiter knows that it counts alone.
      if (what === "GET product" && at > 4_000) assert.ok(ms < 1_000, text);
    }
    await eventually("carts are back", async () => (await orderCart(buyer)).status === 201);
  });
});

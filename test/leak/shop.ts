/**
 * `node --expose-gc test/leak/shop.ts`: a shop in this process that serves thousands of checkouts. Prints the heap in use after each
 * round, as JSON lines. In the last round it keeps {@link RETAINED} bytes of each checkout on purpose, as a leak would.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ServiceBroker } from "moleculer";
import type { Tuning } from "../../broker/actor/runtime/tuning.ts";
import { newId } from "../../broker/contract/ids.ts";
import { loadConfig } from "../../broker/moleculer/config.ts";
import { loadServices, serviceNames } from "../../broker/moleculer/extension.ts";
import { openBroker } from "../../broker/moleculer/node/start-node.ts";
import core from "../../services/index.ts";
import type { OrderView } from "../../services/orders/orders.contract.ts";
import { freePort } from "../../souk/testing/free-port.ts";
import { HttpClient } from "../../souk/testing/http-client.ts";
import {
  decide,
  hireStaff,
  orderCart,
  type Person,
  payPage,
  putInCart,
  putOnSale,
  signUp,
} from "../../souk/testing/people.ts";

/** Full soon, so that what grows afterwards is none of the caches. */
const SMALL_CACHES: Partial<Tuning> = { cached: 20, inboxSenders: 32 };
const CUSTOMERS = 8;

/** Caches fill, and V8 drops code that only the start has needed. */
const WARM_UP = 800;
const ROUNDS = 3;
const CHECKOUTS = 200;
const RETAINED = 30_000;

const kept: string[] = [];

const dir = await mkdtemp(join(tmpdir(), "souk-leak-"));
const port = await freePort();
const config = loadConfig({
  NODE_ENV: "test",
  PORT: String(port),
  DATA_DIR: dir,
  LOG_LEVEL: "error",
  RATE_LIMIT: "off",
  EMBEDDED_SYNC: "normal",
});
const { options } = await openBroker({ config, shop: core, runs: serviceNames(core) });
const broker = new ServiceBroker({
  ...options,
  middlewares: [
    ...options.middlewares,
    {
      name: "SmallCaches",
      created(made: ServiceBroker) {
        made.souk = { ...made.souk, testing: { tuning: SMALL_CACHES, crashPoints: () => () => undefined } };
      },
    },
  ],
});
for (const service of await loadServices(core, serviceNames(core))) broker.createService(service);
await broker.start();
try {
  const url = `http://127.0.0.1:${port}`;
  const http = new HttpClient(url);
  const node = { broker, runtime: broker.souk, stop: () => broker.stop() };
  const shop = { url, http, dataDir: dir, node, stop: node.stop };
  const staff = await hireStaff(shop);
  const skus: string[] = [];
  for (let n = 0; n < CUSTOMERS; n++) skus.push((await putOnSale(staff, { onHand: 1_000_000 })).sku);
  const customers = await Promise.all(skus.map(() => signUp(http)));
  await serve(customers, skus, WARM_UP);
  await tell(0);
  for (let n = 0; n < ROUNDS; n++) {
    await serve(customers, skus, CHECKOUTS);
    await tell(0);
  }
  await serve(customers, skus, CHECKOUTS, RETAINED);
  await tell(kept.length * RETAINED);
} finally {
  await broker.stop();
  await rm(dir, { recursive: true, force: true });
}

/** Each customer buys one article after the other. */
async function serve(
  customers: readonly Person[],
  skus: readonly string[],
  count: number,
  retained = 0,
): Promise<void> {
  let left = count;
  await Promise.all(
    customers.map(async (customer, n) => {
      while (left-- > 0) {
        await buy(customer, skus[n] ?? "");
        if (retained > 0) kept.push(randomBytes(retained).toString("latin1"));
      }
    }),
  );
}

/** Looks seldom whether it is there yet: others buy meanwhile. */
async function buy(customer: Person, sku: string): Promise<void> {
  const order = await place(customer, sku);
  const { status } = await decide(customer.http, payPage(order), { outcome: "succeed" });
  assert.equal(status, 202);
  for (const until = Date.now() + 30_000; ; await sleep(40)) {
    const { body } = await customer.http.request<{ lines: unknown[] }>("GET", "/cart");
    // What was bought leaves the cart when the order has been paid.
    if (body.lines.length === 0) return;
    assert.ok(Date.now() < until, `order ${order.number} does not get paid`);
  }
}

/** Where the shop is busy, the same request is repeated after the time that it names. */
async function place(customer: Person, sku: string): Promise<OrderView> {
  await customer.http.expect(204, "DELETE", "/cart");
  await putInCart(customer, sku);
  const key = newId();
  for (let tries = 1; ; tries++) {
    const { status, headers, body } = await orderCart(customer, key);
    if (status === 503 && tries < 10) {
      await sleep(Number(headers.get("retry-after") ?? 1) * 1_000);
      continue;
    }
    assert.deepEqual([status, body.status], [201, "awaiting_payment"], JSON.stringify(body));
    return body;
  }
}

/** @param leaked bytes that were kept on purpose */
async function tell(leaked: number): Promise<void> {
  console.log(JSON.stringify({ leaked, heap: await heapInUse() }));
}

/** Once nothing is under way, and all that nobody refers to is gone. */
async function heapInUse(): Promise<number> {
  await sleep(3_000);
  for (let n = 0; n < 5; n++) {
    globalThis.gc?.();
    await sleep(50);
  }
  return process.memoryUsage().heapUsed;
}

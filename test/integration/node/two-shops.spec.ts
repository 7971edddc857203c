import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runningStoreUri } from "@souk/embedded-mongo";
import { Redis } from "ioredis";
import type { ServiceSchema } from "moleculer";
import { newId } from "../../../broker/contract/ids.ts";
import { createRateLimits } from "../../../broker/http/limits/rate-limit.ts";
import { loadConfig } from "../../../broker/moleculer/config.ts";
import { type SoukNode, startNode } from "../../../broker/moleculer/node/start-node.ts";
import cart from "../../../services/cart/cart.service.ts";
import core from "../../../services/index.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { deleteQueues } from "../../support/rabbit/rabbit-cleanup.ts";

const AMQP_URL = process.env.AMQP_URL ?? "amqp://guest:guest@127.0.0.1:5672";
const REDIS_URL = process.env.REDIS_URL ?? "redis://127.0.0.1:6379";
const SKU = "LAMP-1";
const price = { amount: 100, currency: "USD" };

const catalogue: ServiceSchema[] = [
  {
    name: "products",
    actions: { variants: () => [{ sku: SKU, productId: newId(), name: "Lamp", price }] },
  },
  { name: "inventory", actions: { availability: () => [{ sku: SKU, available: 10 }] } },
];

describe("two shops on one RabbitMQ and one Redis that differ only in AMQP_PREFIX", function () {
  this.timeout(60_000);
  const prefixes = [0, 1].map(() => `test-${randomUUID().slice(0, 8)}`);
  const dirs: string[] = [];
  const nodes: SoukNode[] = [];

  const configOf = (prefix: string, env: Record<string, string> = {}) =>
    loadConfig({
      NODE_ENV: "test",
      NODE_ID: `node-${randomUUID()}`,
      LOG_LEVEL: "fatal",
      EMBEDDED_SYNC: "normal",
      OPS_PORT: "off",
      AMQP_URL,
      AMQP_PREFIX: prefix,
      REDIS_URL,
      CART_TTL: "60s",
      ...env,
    });

  before(async () => {
    for (const prefix of prefixes) {
      const dir = await mkdtemp(join(tmpdir(), "souk-two-"));
      dirs.push(dir);
      nodes.push(
        await startNode({
          config: configOf(prefix, { DATA_DIR: dir }),
          services: [
            ...catalogue,
            cart,
            { name: `of-${prefix}`, actions: { ping: () => prefix } },
            { name: "both", actions: { whose: () => prefix } },
          ],
          shop: { ...core, contracts: core.contracts.filter((it) => it.service === "cart") },
        }),
      );
    }
  });

  after(async () => {
    for (const node of nodes) await node.stop();
    for (const prefix of prefixes) await deleteQueues(AMQP_URL, prefix);
    for (const dir of dirs) await rm(dir, { recursive: true, force: true });
    const redis = new Redis(REDIS_URL);
    for (const prefix of prefixes) {
      const keys = await redis.keys(`souk-${prefix}*`);
      if (keys.length > 0) await redis.del(...keys);
    }
    redis.disconnect();
  });

  const [a, b] = [() => nodes[0] as SoukNode, () => nodes[1] as SoukNode];

  it("don't see each other's nodes and can't call them", async () => {
    const [first = ""] = prefixes;
    // Another node of the first shop sees it. By then the second shop would have seen it too.
    const friend = await startNode({
      config: configOf(first, { DATA_DIR: dirs[0] ?? "", MONGO_URL: uriOf(a()), NODE_ID: "friend" }),
      services: [],
      shop: { ...core, contracts: core.contracts.filter((it) => it.service === "cart") },
    });
    try {
      await eventually("a node of the same shop is seen", async () => {
        return (await friend.broker.call(`of-${first}.ping`)) === first;
      });
      await assert.rejects(b().broker.call(`of-${first}.ping`), { name: "ServiceNotFoundError" });
      assert.equal(b().broker.registry.getNodeList({}).length, 1);
      for (let n = 0; n < 10; n++) assert.equal(await friend.broker.call("both.whose"), first);
    } finally {
      await friend.stop();
    }
  });

  it("have each its own carts and counts of requests", async () => {
    const id = newId();
    const meta = { user: { id, roles: ["customer"] } };
    const linesIn = async ({ broker }: SoukNode) =>
      ((await broker.call("cart.contents", { userId: id })) as { lines: unknown[] }).lines.length;
    await a().broker.call("cart.setItem", { sku: SKU, quantity: 1 }, { meta });
    assert.deepEqual([await linesIn(a()), await linesIn(b())], [1, 0]);

    const redis = new Redis(REDIS_URL);
    await once(redis, "ready");
    try {
      const [one, two] = nodes.map(({ runtime }) => createRateLimits(1, redis, runtime.config.NAMESPACE));
      await one?.user(id);
      await assert.rejects(one?.user(id) ?? assert.fail());
      await two?.user(id);
    } finally {
      redis.disconnect();
    }
  });
});

function uriOf({ runtime }: SoukNode): string {
  return runningStoreUri(join(runtime.config.DATA_DIR, "mongo")) ?? assert.fail("no store runs");
}

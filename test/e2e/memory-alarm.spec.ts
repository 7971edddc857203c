/** A whole shop whose RabbitMQ is out of memory, with the calls between its nodes going over another server. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { serviceNames } from "../../broker/moleculer/extension.ts";
import core from "../../services/index.ts";
import { eventually } from "../../souk/testing/eventually.ts";
import { type Shop, type ShopNode, startShop } from "../rolling-restart/shop.ts";
import { type PrivateRabbit, privateRabbit } from "../support/rabbit/private-rabbit.ts";

const TRANSPORTERS = {
  NATS: process.env.NATS_URL ?? "nats://127.0.0.1:4222",
  Redis: process.env.REDIS_URL ?? "redis://127.0.0.1:6379",
};
/** The registry removes nodes after 8 s without a heartbeat. */
const ALARM_MS = 10_000;

describe("A shop whose RabbitMQ is out of memory", function () {
  this.timeout(240_000);
  let rabbit: PrivateRabbit;
  let shop: Shop | undefined;

  before(async () => {
    rabbit = await privateRabbit("starved");
  });
  afterEach(async () => {
    await rabbit.alarm(false);
    await shop?.close();
    shop = undefined;
  });
  after(() => rabbit?.stop());

  const node = (name: string): ShopNode => {
    const found = shop?.nodes.find((it) => it.child.name === name);
    assert.ok(found, name);
    return found;
  };

  /** Reads for a while. @returns how many, the statuses that were not 200, and the slowest one's milliseconds */
  async function read(ms: number): Promise<{ count: number; bad: number[]; worst: number }> {
    const bad: number[] = [];
    let [count, worst] = [0, 0];
    for (const until = performance.now() + ms; performance.now() < until; await sleep(50)) {
      const began = performance.now();
      const reply = await fetch(`${shop?.url}/api/v1/products?limit=5`, {
        signal: AbortSignal.timeout(15_000),
      });
      await reply.arrayBuffer();
      count++;
      if (reply.status !== 200) bad.push(reply.status);
      worst = Math.max(worst, performance.now() - began);
    }
    return { count, bad, worst };
  }

  for (const [name, TRANSPORTER] of Object.entries(TRANSPORTERS))
    it(`answers reads over ${name}, also when one of two nodes is killed`, async () => {
      const others = serviceNames(core).filter((it) => it !== "api");
      shop = await startShop({
        plan: [
          { name: "shop", services: others, count: 2 },
          { name: "api", services: ["api"], count: 1 },
        ],
        amqpUrl: rabbit.url,
        // Each read is made, not remembered.
        env: { TRANSPORTER },
      });
      await rabbit.alarm(true);
      const starved = await read(ALARM_MS);
      assert.deepEqual(starved.bad, []);
      process.kill(node("shop-1").child.pid ?? 0, "SIGKILL");
      const killed = await read(ALARM_MS);
      assert.deepEqual(killed.bad, []);
      await eventually("reads are quick again", async () => (await read(500)).worst < 2_000, 20_000);
      for (const [when, { count, worst }] of Object.entries({ starved, killed }))
        console.log(`      ${when}: ${count} reads, worst ${Math.round(worst)} ms`);
    });

  it("says so where calls go over RabbitMQ, knows its nodes all the time, and goes on by itself", async () => {
    shop = await startShop({
      plan: [
        { name: "shop", services: serviceNames(core).filter((it) => it !== "api"), count: 1 },
        { name: "api", services: ["api"], count: 1 },
      ],
      amqpUrl: rabbit.url,
    });
    const { readyUrl } = node("api-1");
    const missing = async () =>
      ((await (await fetch(readyUrl)).json()) as { missing?: object[] }).missing ?? [];
    await rabbit.alarm(true);
    await eventually("it says so", async () => (await missing()).length > 0, 10_000);
    const blocked = [
      { check: "transporter", reason: "RabbitMQ blocks publishers: it is short of memory or disk" },
    ];
    for (const until = Date.now() + ALARM_MS; Date.now() < until; await sleep(500))
      assert.deepEqual(await missing(), blocked);
    const began = performance.now();
    const refused = await fetch(`${shop.url}/api/v1/products?limit=6`);
    assert.equal(refused.status, 503);
    assert.ok(performance.now() - began < 3_000, "at once, not after a time-out");
    assert.equal(refused.headers.get("retry-after"), "2");
    await rabbit.alarm(false);
    await eventually("it is ready", async () => (await missing()).length === 0, 10_000);
    const { bad } = await read(1_000);
    assert.deepEqual(bad, []);
  });
});

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startEmbeddedMongo } from "@souk/embedded-mongo";
import { createAmqpBus } from "../../../broker/bus/amqp/amqp-bus.ts";
import type { Bus } from "../../../broker/bus/bus.ts";
import { topologyOf } from "../../../broker/bus/topology.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { counter } from "../../support/bus/bus-conformance.ts";
import { busContract, mailbox, testMessage } from "../../support/bus/bus-contract.ts";
import { quietLog } from "../../support/quiet-log.ts";
import { type PrivateRabbit, privateRabbit } from "../../support/rabbit/private-rabbit.ts";
import { startToyNode } from "../actor/support/node.ts";
import { check, ordersOf, rest } from "../actor/support/shop-checks.ts";

const SENDERS = 200;
const WINDOW = 50;
const BACKLOG = 100;
const ORDERS = 300;
const UNITS = 1_000;

describe("A RabbitMQ that runs out of memory", function () {
  this.timeout(90_000);
  let dir: string;
  let rabbit: PrivateRabbit;
  let bus: Bus | undefined;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "souk-alarm-"));
    rabbit = await privateRabbit("alarm");
    bus = await createAmqpBus({
      url: rabbit.url,
      prefix: "alarm",
      name: "test",
      log: quietLog(),
      window: WINDOW,
      signal: AbortSignal.timeout(60_000),
    });
  });

  after(async () => {
    await bus?.close();
    await rabbit?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it("leaves what actors send in their outboxes, few in memory, and brings all of it when it has memory again", async () => {
    const mongo = await startEmbeddedMongo({ dir: join(dir, "mongo"), sync: "normal" });
    const relays = await createAmqpBus({
      url: rabbit.url,
      prefix: "alarmed",
      name: "actors",
      log: quietLog(),
    });
    let underWay = 0;
    let most = 0;
    const publish = relays.publish.bind(relays);
    relays.publish = async (message) => {
      most = Math.max(most, ++underWay);
      await publish(message).finally(() => underWay--);
    };
    const tuning = { window: WINDOW, backlog: BACKLOG, sweepAfterMs: 500, sweepEveryMs: 200 };
    const node = await startToyNode({ uri: mongo.uri, bus: relays, tuning, metrics: true });
    const backlog = () =>
      Number(node.broker.metrics.getMetric("souk.actor.backlog")?.get({ actor: "toyorder" })?.value);
    const order = (from: number, to: number) =>
      Promise.all(
        Array.from({ length: to - from }, (_, n) =>
          node.orders.apply(`order-${from + n}`, "toy.place", { lines: { tea: 1, milk: 2 } }),
        ),
      );
    try {
      for (const sku of ["tea", "milk"]) await node.stock.apply(sku, "toy.create", { onHand: UNITS });
      await order(0, 20);
      await rest(node, 20);

      await rabbit.alarm(true);
      const before = relays.stats.confirmed;
      await order(20, ORDERS);
      // It learns this when it sends. A few messages may get through until then.
      await eventually("it is told", () => relays.state === "blocked");
      const { published } = relays.stats;
      await eventually("as many wait in memory as may", () => backlog() === BACKLOG);
      // Some sweeps long, which find all that is in the outboxes.
      await sleep(1_000);
      assert.equal(relays.stats.published, published, "nothing is sent while it is blocked");
      assert.ok(most <= 2 * WINDOW, `${most} under way, of two types of actors`);
      assert.equal(backlog(), BACKLOG);
      const kept = (await ordersOf(node)).flatMap((it) => it.outbox);
      const passed = relays.stats.confirmed - before;
      assert.ok(
        kept.length >= 2 * (ORDERS - 20) - passed,
        `${kept.length} in the outboxes, ${passed} passed`,
      );
      assert.ok(kept.length > 2 * WINDOW + BACKLOG, "more than memory holds");

      await rabbit.alarm(false);
      await rest(node, ORDERS);
      await check(node, UNITS);
      const states = (await ordersOf(node)).map((it) => it.state.status);
      assert.deepEqual(new Set(states), new Set(["paid"]));
      assert.equal(relays.stats.nacked, 0);
    } finally {
      await rabbit.alarm(false);
      await node.stop();
      await relays.close();
      await mongo.close();
    }
  });

  it("makes senders wait and loses nothing; they go on when it has memory again", async () => {
    assert.ok(bus);
    const sender = bus;
    await sender.declare(topologyOf([busContract]));
    const got = counter();
    await sender.consumeMailboxes(mailbox, got.handlers);
    const { stats } = sender;
    let stop = false;
    let next = 0;
    const sent: number[] = [];
    const senders = Array.from({ length: SENDERS }, async () => {
      while (!stop) {
        const n = next++;
        await sender.publish(testMessage("bustest.poke", `subject-${n}`, { n }));
        sent.push(n);
        await sleep(2);
      }
    });
    await eventually("messages flow", () => got.total > 1_000);

    await rabbit.alarm(true);
    await eventually("it is told", () => sender.state === "blocked");
    // What was written before is in RabbitMQ's socket. From then on nothing is sent.
    const published = stats.published;
    const confirmed = sent.length;
    await sleep(1_000);
    assert.equal(stats.published, published, "nothing is sent while it is blocked");
    assert.ok(stats.published - stats.confirmed <= WINDOW, "no more than the window is unconfirmed");
    assert.ok(next - sent.length <= SENDERS, "each sender waits with one message");
    assert.ok(sent.length - confirmed <= WINDOW);
    assert.ok(stats.blocked >= 1);

    await rabbit.alarm(false);
    await eventually(
      "it goes on",
      () => sender.state === "connected" && sent.length > confirmed + 1_000,
      20_000,
    );
    stop = true;
    await Promise.all(senders);
    await eventually("all has arrived", () => got.total >= sent.length);
    const arrived = [...got.byPartition.values()].flat().sort((a, b) => a - b);
    assert.deepEqual(
      arrived,
      sent.sort((a, b) => a - b),
      "each message once",
    );
    assert.equal(stats.nacked, 0);
    assert.equal(stats.reconnects, 0);
  });
});

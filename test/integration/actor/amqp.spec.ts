import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmbeddedMongo, startEmbeddedMongo } from "@souk/embedded-mongo";
import { createAmqpBus } from "../../../broker/bus/amqp/amqp-bus.ts";
import type { Bus } from "../../../broker/bus/bus.ts";
import { partitionOf } from "../../../broker/bus/topology.ts";
import { derivedId } from "../../../broker/contract/ids.ts";
import { silentLog } from "../../../broker/resilience/silent-log.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { type AmqpBroker, amqpBroker, amqpUrl } from "../../support/bus/amqp-broker.ts";
import { type TcpProxy, tcpProxy } from "../../support/servers/tcp-proxy.ts";
import { toy } from "../../unit/actor/support/toy.ts";
import { startToyNode, type ToyNode } from "./support/node.ts";
import { check, rest } from "./support/shop-checks.ts";

const UNITS = 1_000;

describe("Two nodes of actors over RabbitMQ", function () {
  this.timeout(90_000);
  let dir: string;
  let mongo: EmbeddedMongo;
  let broker: AmqpBroker;
  let proxy: TcpProxy;
  let namespace: string;
  const open: { node: ToyNode; bus: Bus }[] = [];

  /** While set, the second node's commits stop for good, before they are made. */
  let frozen = false;
  const freezing = async () => {
    if (frozen) await new Promise<never>(() => undefined);
  };

  const start = async (nodeId: string, url = amqpUrl): Promise<ToyNode> => {
    const bus = await createAmqpBus({
      url,
      prefix: broker.prefix,
      name: nodeId,
      log: silentLog,
      heartbeatSeconds: 5,
    });
    const node = await startToyNode({
      uri: mongo.uri,
      database: namespace,
      nodeId,
      bus,
      transporter: "Fake",
      namespace,
      // The registry knows live nodes at once, so what moved after a cut moves back at once.
      tuning: { settleMs: 200, againMs: 200, remoteMs: 500, stopMs: 1_000 },
      ...(nodeId === "node-2"
        ? { crashPoints: (point) => (point === "before-commit" ? freezing() : undefined) }
        : {}),
    });
    open.push({ node, bus });
    return node;
  };
  const stop = async (stopped: ToyNode): Promise<void> => {
    const at = open.findIndex((it) => it.node === stopped);
    const [{ node, bus }] = open.splice(at, 1) as [(typeof open)[0]];
    await node.stop();
    await bus.close();
  };
  const place = (node: ToyNode, from: number, to: number) =>
    Promise.all(
      Array.from({ length: to - from }, (_, i) =>
        node.orders.apply(
          `order-${from + i}`,
          "toy.place",
          { lines: { a: 1, b: 1 } },
          { id: derivedId(namespace, from + i) },
        ),
      ),
    );

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "souk-actors-amqp-"));
    mongo = await startEmbeddedMongo({ dir, sync: "normal" });
  });
  beforeEach(async () => {
    frozen = false;
    namespace = `toy-${randomBytes(4).toString("hex")}`;
    broker = await amqpBroker([toy]);
    proxy = await tcpProxy(amqpUrl);
  });
  afterEach(async () => {
    proxy.allow();
    for (const { node } of [...open]) await stop(node);
    await proxy.close();
    await broker.close();
  });
  after(async () => {
    await mongo.close();
    await rm(dir, { recursive: true, force: true });
  });

  it("share the partitions as their preferred owners, and one that leaves hands its part over", async () => {
    const one = await start("node-1");
    for (const sku of ["a", "b"]) await one.stock.apply(sku, "toy.create", { onHand: UNITS });
    await place(one, 0, 20);
    await rest(one, 20);
    const two = await start("node-2");
    let placed = 20;
    await eventually("the second node gets its share of the messages", async () => {
      await place(two, placed, placed + 10);
      placed += 10;
      return two.orders.stats.received > 0 && two.stock.stats.received + two.orders.stats.received > 20;
    });
    await rest(two, placed, 30_000);
    await stop(one);
    await place(two, placed, placed + 20);
    await rest(two, placed + 20, 30_000);
    await check(two, UNITS);
  });

  it("apply inline messages at the owner's node, and here when that does not answer", async () => {
    const [one, two] = [await start("node-1"), await start("node-2")];
    await eventually("each knows the other", () =>
      [one, two].every(
        (it) =>
          it.broker.registry
            .getServiceList({ onlyAvailable: true })
            .filter((s) => s.name === "$actor.toystock").length === 2,
      ),
    );
    const skus = Array.from({ length: 16 }, (_, n) => `sku-${n}`);
    for (const sku of skus) await one.stock.apply(sku, "toy.create", { onHand: 1 });
    assert.equal(one.stock.stats.commits + two.stock.stats.commits, skus.length);
    assert.ok(one.stock.stats.commits > 0 && two.stock.stats.commits > 0, "both have had some");
    const partitions = new Set(skus.map((it) => partitionOf(it, 4)));
    assert.equal(partitions.size, 4);
    const refused = await Promise.allSettled(
      skus.map((it) => two.stock.apply(it, "toy.adjust", { delta: -5 })),
    );
    assert.ok(refused.every((it) => it.status === "rejected" && it.reason.type === "INSUFFICIENT_STOCK"));
    frozen = true;
    const id = derivedId("once");
    const twice = await Promise.all(
      [1, 2].map(() =>
        Promise.all(
          skus.map((it) => one.stock.apply(it, "toy.adjust", { delta: 2 }, { id: derivedId(id, it) })),
        ),
      ),
    );
    assert.ok(twice.flat().every((it) => it.state.onHand === 3));
  });

  it("lose nothing when one's connection to the broker breaks in the middle of it all", async () => {
    const [one, two] = [await start("node-1"), await start("node-2", proxy.via(amqpUrl))];
    for (const sku of ["a", "b"]) await one.stock.apply(sku, "toy.create", { onHand: UNITS });
    let placed = 0;
    const trade = async () => {
      await Promise.all([place(one, placed, placed + 5), place(two, placed + 5, placed + 10)]);
      placed += 10;
    };
    for (let cuts = 0; cuts < 3; cuts++) {
      const before = two.stock.stats.received + two.orders.stats.received;
      await eventually("the second node gets messages", async () => {
        await trade();
        return two.stock.stats.received + two.orders.stats.received > before;
      });
      proxy.cut();
      await trade();
      await eventually("it is connected again", () => proxy.connections > 0);
    }
    await rest(one, placed, 60_000);
    await check(one, UNITS);
    assert.equal(
      one.stock.stats.dead + two.stock.stats.dead + one.orders.stats.dead + two.orders.stats.dead,
      0,
    );
  });
});

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type EmbeddedMongo, startEmbeddedMongo } from "@souk/embedded-mongo";
import { dropActorIndexes } from "../../../broker/actor/runtime/document/actor-model.ts";
import { createLocalBus } from "../../../broker/bus/local/local-bus.ts";
import type { DataIn } from "../../../broker/contract/contract.ts";
import { envelope } from "../../../broker/contract/envelope.ts";
import { errorCode } from "../../../broker/contract/errors.ts";
import { derivedId, newId } from "../../../broker/contract/ids.ts";
import { silentLog } from "../../../broker/resilience/silent-log.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { memoryDeadLetters } from "../../support/bus/memory-dead-letters.ts";
import { type TcpProxy, tcpProxy } from "../../support/servers/tcp-proxy.ts";
import { startToyNode, type ToyNode, type ToyNodeOptions } from "./support/node.ts";
import { check, ordersOf, rest } from "./support/shop-checks.ts";

describe("Actors on the embedded store and the local bus", function () {
  this.timeout(60_000);
  let dir: string;
  let mongo: EmbeddedMongo;
  let proxy: TcpProxy;
  let databases = 0;
  const nodes: ToyNode[] = [];

  const start = async (options: Partial<ToyNodeOptions> = {}): Promise<ToyNode> => {
    const node = await startToyNode({ uri: mongo.uri, database: `souk_toy_${++databases}`, ...options });
    nodes.push(node);
    return node;
  };

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "souk-actors-"));
    mongo = await startEmbeddedMongo({ dir, sync: "normal", listen: { host: "127.0.0.1", port: 0 } });
    proxy = await tcpProxy(mongo.uri);
  });
  afterEach(async () => {
    proxy.allow();
    proxy.resume();
    await Promise.all(nodes.splice(0).map((it) => it.stop()));
  });
  after(async () => {
    await proxy.close();
    await mongo.close();
    await rm(dir, { recursive: true, force: true });
  });

  it("carry an order from placing to paid, and leave nothing in outboxes, timers and holds", async () => {
    const node = await start();
    await node.stock.apply("a", "toy.create", { onHand: 5 });
    const placed = await node.orders.apply("o1", "toy.place", { lines: { a: 2 }, ttlMs: 60_000 });
    assert.equal(placed.state.status, "placed");
    const paid = await node.orders.next("o1", placed.version, 10_000, (it) => it.status === "paid");
    assert.equal(paid?.state.status, "paid");
    await rest(node, 1);
    await check(node, 5);
    assert.deepEqual((await ordersOf(node))[0]?.timers, []);
    assert.deepEqual(await node.orders.read("o1"), paid);
  });

  it("leave a state with a value that is not known to a newer node, bury nothing for it, and keep what it has more", async () => {
    const database = `souk_toy_newer_${newId()}`;
    const placing = await start({ database });
    await placing.stock.apply("a", "toy.create", { onHand: 5 });
    await placing.orders.apply("o1", "toy.place", { lines: { a: 1 }, ttlMs: 600_000 });
    await placing.orders.next("o1", 0, 10_000, (it) => it.status === "paid");
    await rest(placing, 1);
    const states = (from: ToyNode, collection: string) =>
      from.connection.collection<{ _id: string; state: Record<string, unknown> }>(collection);
    const unknown = { $set: { "state.status": "gift_wrapped" } };
    await states(placing, "toyorder").updateOne({ _id: "o1" }, unknown);
    await states(placing, "toystock").updateOne({ _id: "a" }, { $set: { "state.warehouse": { row: 7 } } });
    await placing.stop();
    nodes.splice(0);

    const deadLetters = memoryDeadLetters();
    const bus = createLocalBus({ deadLetters, log: silentLog });
    const node = await start({ database, bus });
    const read = await node.orders.read("o1").catch((error: unknown) => error);
    assert.equal(errorCode(read), "UNAVAILABLE");
    let handled = false;
    const message = envelope("toy.captured", "o1", {}, { source: "/toy", at: Date.now() });
    const published = bus.publish(message).then(() => {
      handled = true;
    });
    // Longer than five failures of its own would take.
    await sleep(4_000);
    assert.equal(handled, false);
    assert.deepEqual(await deadLetters.queues(), []);
    await states(node, "toyorder").updateOne({ _id: "o1" }, { $set: { "state.status": "paid" } });
    await published;
    assert.equal((await node.orders.read("o1"))?.state.status, "paid");
    assert.deepEqual(await deadLetters.queues(), []);

    const { state } = await node.stock.apply("a", "toy.adjust", { delta: 1 });
    assert.ok(!("warehouse" in state));
    const after = await states(node, "toystock").findOne({ _id: "a" });
    assert.deepEqual([after?.state.onHand, after?.state.warehouse], [state.onHand, { row: 7 }]);
    await bus.close();
  });

  it("refuse, tell of absence, and apply an id once", async () => {
    const node = await start();
    await node.stock.apply("a", "toy.create", { onHand: 5 });
    const refused = await node.stock.apply("a", "toy.adjust", { delta: -9 }).catch((error: unknown) => error);
    assert.equal(errorCode(refused), "INSUFFICIENT_STOCK");
    const absent = await node.stock
      .apply("none", "toy.adjust", { delta: 1 })
      .catch((error: unknown) => error);
    assert.equal(errorCode(absent), "NOT_FOUND");
    // Folded together, one before the other.
    const [early, made] = await Promise.allSettled([
      node.stock.apply("b", "toy.adjust", { delta: 1 }),
      node.stock.apply("b", "toy.create", { onHand: 5 }),
    ]);
    assert.equal(early.status === "rejected" && errorCode(early.reason), "NOT_FOUND");
    assert.equal(made.status === "fulfilled" && made.value.state.onHand, 5);
    const id = newId();
    const twice = await Promise.all(
      [1, 2].map(() => node.stock.apply("a", "toy.adjust", { delta: 3 }, { id })),
    );
    assert.deepEqual(
      twice.map((it) => it.state.onHand),
      [8, 8],
    );
    assert.equal((await node.stock.apply("a", "toy.adjust", { delta: 3 }, { id })).state.onHand, 8);
    assert.equal(await node.orders.read("nobody"), null);
    assert.deepEqual(
      (await node.stock.readMany(["a", "nobody"])).map((it) => it.id),
      ["a"],
    );
  });

  it("fold what waits for a hot actor into few commits", async () => {
    const MESSAGES = 2_000;
    const node = await start({ env: "development" });
    await node.stock.apply("hot", "toy.create", { onHand: 0 });
    const before = node.stock.stats.commits;
    await Promise.all(
      Array.from({ length: MESSAGES }, () =>
        node.bus.publish(envelope("toy.adjust", "hot", { delta: 1 }, { source: "/toy", at: Date.now() })),
      ),
    );
    assert.equal((await node.stock.read("hot"))?.state.onHand, MESSAGES);
    const commits = node.stock.stats.commits - before;
    assert.ok(commits < MESSAGES / 10, `${commits} commits for ${MESSAGES} messages`);
  });

  it("sell exactly what there is when many want it at once", async () => {
    const [buyers, units] = [300, 50];
    const node = await start({ env: "development" });
    await node.stock.apply("hot", "toy.create", { onHand: units });
    await Promise.all(
      Array.from({ length: buyers }, (_, n) =>
        node.orders.apply(`o${n}`, "toy.place", { lines: { hot: 1 } }),
      ),
    );
    await rest(node, buyers);
    const paid = (await ordersOf(node)).filter((it) => it.state.status === "paid");
    assert.equal(paid.length, units);
    await check(node, units);
    assert.equal((await node.stock.read("hot"))?.state.onHand, 0);
  });

  it("are read from memory where no other node writes, but not after a write that may have been done", async () => {
    const tuning = { storeMs: 500, inlineMs: 700 };
    const node = await start({ uri: proxy.via(mongo.uri), isSoleWriter: true, tuning });
    const stored = () => node.connection.collection<{ _id: string; state: object }>("toystock");
    await node.stock.apply("a", "toy.create", { onHand: 5 });
    const changed = await node.stock.apply("a", "toy.adjust", { delta: 2 });
    assert.deepEqual((await stored().findOne({ _id: "a" }))?.state, changed.state);
    proxy.stall();
    assert.deepEqual(await node.stock.read("a"), changed);
    assert.deepEqual(await node.stock.readMany(["a", "a"]), [changed, changed]);
    const refused = await node.stock.apply("a", "toy.adjust", { delta: 3 }).catch(errorCode);
    assert.equal(refused, "UNAVAILABLE");
    assert.equal(await node.stock.read("a").catch(errorCode), "UNAVAILABLE");
    proxy.resume();
    await eventually("the database to answer", async () => {
      const read = await node.stock.read("a").catch(() => null);
      return read !== null && read.version > changed.version;
    });
    const read = await node.stock.read("a");
    assert.deepEqual(read?.state, (await stored().findOne({ _id: "a" }))?.state);
  });

  it("bury a message that fails for its own cause and go on with the others meanwhile", async () => {
    const deadLetters = memoryDeadLetters();
    const bus = createLocalBus({ deadLetters, log: silentLog });
    const node = await start({ bus });
    await node.stock.apply("a", "toy.create", { onHand: 9 });
    const send = <T extends "toy.poison" | "toy.adjust">(type: T, data: DataIn<T>) =>
      bus.publish(envelope(type, "a", data, { source: "/toy", at: Date.now() }));
    const poison = send("toy.poison", { why: "of its own" });
    await Promise.all([1, 2, 3].map(() => send("toy.adjust", { delta: 1 })));
    assert.equal((await node.stock.read("a"))?.state.onHand, 12, "the others did not wait for it");
    await poison;
    const letters = (
      await Promise.all((await deadLetters.queues()).map((it) => deadLetters.list(it.queue, 9)))
    ).flat();
    assert.deepEqual(
      letters.map((it) => [it.message.type, it.attempts, it.error.message]),
      [["toy.poison", 5, "of its own"]],
    );
    assert.equal(node.stock.stats.dead, 1);
    await bus.close();
  });

  it("wait while the database is away, lose nothing and go on by themselves", async () => {
    const node = await start({ uri: proxy.via(mongo.uri), tuning: { storeMs: 3_000 } });
    await node.stock.apply("a", "toy.create", { onHand: 100 });
    const place = (n: number) =>
      node.orders.apply(`o${n}`, "toy.place", { lines: { a: 1 } }, { id: derivedId("p", n) });
    await Promise.all(Array.from({ length: 10 }, (_, n) => place(n)));
    proxy.refuse();
    const meanwhile = Array.from({ length: 10 }, (_, n) =>
      place(10 + n).catch((error: unknown) => {
        assert.equal(errorCode(error), "UNAVAILABLE");
        return undefined;
      }),
    );
    await sleep(2_000);
    proxy.allow();
    await Promise.all(meanwhile);
    await eventually("the database answers", () => place(0).then(() => true));
    await Promise.all(Array.from({ length: 10 }, (_, n) => place(10 + n)));
    await rest(node, 20);
    await check(node, 100);
    assert.equal(node.orders.stats.dead + node.stock.stats.dead, 0);
  });

  it("fire timers that fell due while nothing ran, once, and fire others on time", async () => {
    const database = `souk_toy_timers`;
    const first = await startToyNode({ uri: mongo.uri, database });
    await first.stock.apply("a", "toy.create", { onHand: 0 });
    await first.bus.close();
    await first.orders.apply("late", "toy.place", { lines: { a: 1 }, ttlMs: 100 });
    await first.orders.apply("later", "toy.place", { lines: { a: 1 }, ttlMs: 60_000 });
    await first.stop();
    const stored = await (async () => {
      await sleep(150);
      const second = await start({ database });
      const ended = await second.orders.next(
        "late",
        1,
        10_000,
        (it) => it.status === "expired" || it.status === "rejected",
      );
      assert.ok(ended, "it has ended");
      await rest(second, 2);
      return ordersOf(second);
    })();
    assert.deepEqual(
      stored.map((it) => it.timers),
      [[], []],
    );
  });

  it("take timers by the injected clock only", async () => {
    let now = Date.UTC(2030, 0, 1);
    const node = await start({ clock: { now: () => now }, tuning: { timersEveryMs: 50 } });
    const placed = await node.orders.apply("o", "toy.place", { lines: {}, ttlMs: 3_600_000 });
    assert.equal(await node.orders.next("o", placed.version, 300), null);
    now += 3_600_000;
    const ended = await node.orders.next("o", placed.version, 10_000);
    assert.equal(ended?.state.status, "expired");
  });

  it("wake who waits for a version, and let go who waits in vain", async () => {
    const node = await start({ tuning: { waiters: 2 } });
    await node.stock.apply("a", "toy.create", { onHand: 1 });
    const vain = node.stock.next("a", 1, 100);
    const waiting = node.stock.next("a", 1, 10_000, (it) => it.onHand === 3);
    const third = await node.stock.next("a", 1, 10).catch((error: unknown) => error);
    assert.equal(errorCode(third), "OVERLOADED");
    assert.equal(await vain, null);
    for (const delta of [1, 1]) await node.stock.apply("a", "toy.adjust", { delta });
    assert.equal((await waiting)?.state.onHand, 3);
    assert.equal((await node.stock.next("a", 1, 10_000))?.version, 3);
  });

  it("find another node's commits by looking", async () => {
    const database = "souk_toy_shared";
    const [one, two] = [await start({ database, nodeId: "n1" }), await start({ database, nodeId: "n2" })];
    await one.stock.apply("a", "toy.create", { onHand: 1 });
    const waiting = two.stock.next("a", 1, 10_000);
    await one.stock.apply("a", "toy.adjust", { delta: 4 });
    assert.equal((await waiting)?.state.onHand, 5);
    const both = await Promise.all(
      Array.from({ length: 40 }, (_, n) => (n % 2 ? one : two).stock.apply("a", "toy.adjust", { delta: 1 })),
    );
    assert.equal(both.length, 40);
    assert.equal((await one.stock.read("a"))?.state.onHand, 45, "a lost race is decided again");
  });

  it("keep nothing in the sweep's and the timers' indexes for actors at rest", async () => {
    const node = await start();
    await node.stock.apply("a", "toy.create", { onHand: 1 });
    const collection = node.connection.collection("toystock");
    const plan = await collection.find({ "outbox.at": { $lte: Date.now() } }).explain("executionStats");
    assert.match(JSON.stringify(plan), /outbox_at/);
    assert.equal(plan.executionStats.totalDocsExamined, 0);
    await dropActorIndexes(node.connection, "toystock");
    assert.deepEqual(
      (await collection.indexes()).map((it) => it.name),
      ["_id_"],
    );
  });
});

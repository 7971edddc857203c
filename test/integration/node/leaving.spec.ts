/** Calls, including writes, while nodes stop and come back. None may fail where another node could serve it. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type BrokerOptions, ServiceBroker, type ServiceSchema } from "moleculer";
import { brokerOptions } from "../../../broker/moleculer/broker-options.ts";
import { loadConfig } from "../../../broker/moleculer/config.ts";
import { eventually } from "../../../souk/testing/eventually.ts";

const AMQP_URL = process.env.AMQP_URL ?? "amqp://guest:guest@127.0.0.1:5672";

describe("Nodes that stop", function () {
  this.timeout(60_000);
  let nodes: ServiceBroker[];
  let namespace: string;
  /** Of `work.slow`: how long it takes, and what has begun and ended, by node. */
  let slowMs: number;
  let done: string[];

  beforeEach(() => {
    nodes = [];
    namespace = `test-${randomUUID().slice(0, 8)}`;
    slowMs = 300;
    done = [];
  });
  afterEach(() => Promise.all(nodes.map((it) => it.stop())));

  async function start(nodeID: string, services: ServiceSchema[], more: BrokerOptions = {}) {
    const options = brokerOptions(loadConfig({ AMQP_URL, NODE_ID: nodeID, NAMESPACE: namespace }));
    const node = new ServiceBroker({ ...options, logger: false, ...more });
    nodes.push(node);
    for (const it of services) node.createService(it);
    await node.start();
    return node;
  }
  const work = (): ServiceSchema => ({
    name: "work",
    actions: {
      quick: (ctx) => ctx.broker.nodeID,
      async slow(ctx) {
        await sleep(slowMs);
        const helped = await ctx.call("help.give", {});
        done.push(ctx.broker.nodeID);
        return helped;
      },
    },
  });
  const help = (): ServiceSchema => ({ name: "help", actions: { give: (ctx) => ctx.broker.nodeID } });

  it("lose no call: what is under way ends, and what comes late is answered or taken by another", async () => {
    const caller = await start("caller", []);
    await start("one", [work(), help()]);
    const two = await start("two", [work(), help()]);
    await caller.waitForServices("work", 10_000, 20);
    await eventually(
      "both are known",
      () => caller.registry.getActionEndpoints("work.quick")?.endpoints.length === 2,
    );
    let calls = 0;
    let stopped = false;
    const failures: string[] = [];
    const load = Array.from({ length: 20 }, async (_, n) => {
      while (!stopped) {
        calls++;
        await caller
          .call(n % 2 === 0 ? "work.quick" : "work.slow", {})
          .catch((error: Error) => failures.push(error.message));
        await sleep(5);
      }
    });
    await sleep(500);
    for (const name of ["two", "one"]) {
      await nodes.find((it) => it.nodeID === name)?.stop();
      nodes = nodes.filter((it) => it.nodeID !== name);
      await sleep(200);
      await start(name, [work(), help()]);
    }
    await sleep(500);
    stopped = true;
    await Promise.all(load);
    assert.deepEqual([...new Set(failures)], []);
    assert.ok(calls > 500, `${calls} calls`);
    assert.ok(two);
  });

  it("refuse what comes too late, and the call is made on another node, though it is a write", async () => {
    const caller = await start("caller", []);
    const one = await start("one", [work()]);
    await start("two", [work()]);
    await eventually(
      "both are known",
      () => caller.registry.getActionEndpoints("work.quick")?.endpoints.length === 2,
    );
    // As after the wait for late calls. Its caller does not know yet that it stops.
    Object.assign(one, { stopping: true });
    const answers = await Promise.all(Array.from({ length: 10 }, () => caller.call("work.quick", {})));
    assert.deepEqual(new Set(answers), new Set(["two"]));
    await assert.rejects(caller.call("work.quick", {}, { nodeID: "one" }), { type: "SERVICE_NOT_AVAILABLE" });
    Object.assign(one, { stopping: false });
  });

  it("are not told to have services by whoever asks while they stop", async () => {
    slowMs = 2_500;
    const one = await start("one", [work(), help(), { name: "other", actions: { none: () => null } }]);
    const caller = await start("caller", []);
    await caller.waitForServices("work", 10_000, 20);
    const running = caller.call("work.slow", {});
    await sleep(200);
    const stopping = one.stop();
    await sleep(1_200);
    // What a stopping service does. A new node asks all others.
    one.registry.unregisterService("other", "one");
    const late = await start("late", []);
    assert.equal(late.registry.getActionEndpoints("work.quick")?.endpoints.length ?? 0, 0);
    assert.equal(await running, "one");
    await stopping;
  });

  it("are known to all others as soon as they have started", async () => {
    const caller = await start("caller", []);
    await start("one", [work()]);
    await eventually("it can be called", () => caller.call("work.quick", {}).catch(() => false), 500);
  });
});

describe("A node with many requests that wait", function () {
  this.timeout(30_000);

  it("answers others at once", async () => {
    const namespace = `test-${randomUUID().slice(0, 8)}`;
    const open = Promise.withResolvers<void>();
    const node = (nodeID: string) =>
      new ServiceBroker({
        ...brokerOptions(loadConfig({ AMQP_URL, NODE_ID: nodeID, NAMESPACE: namespace })),
        logger: false,
      });
    const [caller, callee] = [node("caller"), node("callee")];
    let waiting = 0;
    callee.createService({
      name: "work",
      actions: {
        quick: () => true,
        async waits() {
          waiting++;
          await open.promise;
        },
      },
    });
    try {
      await Promise.all([caller.start(), callee.start()]);
      await caller.waitForServices("work", 10_000, 20);
      const calls = Array.from({ length: 400 }, () => caller.call("work.waits", {}));
      await eventually("they wait", () => waiting >= 100);
      await caller.call("work.quick", {}, { timeout: 2_000 });
      assert.equal(waiting, 400);
      open.resolve();
      await Promise.all(calls);
    } finally {
      open.resolve();
      await Promise.all([caller.stop(), callee.stop()]);
    }
  });
});

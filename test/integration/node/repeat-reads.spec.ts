import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Errors, ServiceBroker } from "moleculer";
import { z } from "zod";
import { action, defineContract, isReadOnly } from "../../../broker/contract/contract.ts";
import { SoukError } from "../../../broker/contract/errors.ts";
import { brokerOptions } from "../../../broker/moleculer/broker-options.ts";
import { loadConfig } from "../../../broker/moleculer/config.ts";
import { AmqpTransporter } from "../../../broker/moleculer/transport/amqp-transporter.ts";
import core from "../../../services/index.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { type TcpProxy, tcpProxy } from "../../support/servers/tcp-proxy.ts";

const AMQP_URL = process.env.AMQP_URL ?? "amqp://guest:guest@127.0.0.1:5672";

const params = z.strictObject({ n: z.int() });
const returns = z.strictObject({ n: z.int(), from: z.string() });
defineContract({
  service: "repeattest",
  actions: {
    read: action({ summary: "A read", readOnly: true, params, returns }),
    write: action({ summary: "A write", params, returns }),
    through: action({ summary: "A read that asks another", readOnly: true, params, returns }),
    writeAll: action({ summary: "A write that calls one", params, returns }),
  },
  messages: {},
});
type Call = (
  name: "read" | "write" | "through" | "writeAll",
  n: number,
  options?: object,
) => Promise<unknown>;

interface Asking {
  meta: Record<string, unknown>;
  call(name: string, params: object): Promise<unknown>;
}

type Behaviour = "answers" | "is away" | "rejects" | "is silent" | "waits" | "refuses" | "breaks";

describe("Reads when a node fails", function () {
  this.timeout(40_000);
  let brokers: ServiceBroker[];
  /** What was carried out: `<node>.<action>.<n>`. */
  let ran: string[];
  let behaviour: Record<string, Behaviour>;
  let call: Call;

  beforeEach(() => {
    brokers = [];
    ran = [];
    behaviour = {};
  });
  afterEach(async () => {
    await Promise.all(brokers.map((it) => it.stop()));
  });

  const node = (nodeID: string, namespace: string, transporter: AmqpTransporter | "Fake" = "Fake") => {
    const broker = new ServiceBroker({
      ...brokerOptions(loadConfig({ NODE_ID: nodeID, METRICS: "off" })),
      namespace,
      logger: false,
      transporter,
      heartbeatInterval: 1,
      heartbeatTimeout: 3,
    });
    brokers.push(broker);
    return broker;
  };

  const does = (nodeID: string) => {
    const run =
      (name: string, more: (ctx: { call: Call }, n: number) => Promise<unknown> = async () => undefined) =>
      async (ctx: Asking & { params: { n: number } }) => {
        const { n } = ctx.params;
        ctx.meta.from = nodeID;
        ran.push(`${nodeID}.${name}.${n}`);
        if (behaviour[nodeID] === "is away") throw new SoukError("UNAVAILABLE");
        if (behaviour[nodeID] === "rejects") throw new Errors.RequestRejectedError({ action: name, nodeID });
        if (behaviour[nodeID] === "refuses") throw new SoukError("NOT_FOUND");
        if (behaviour[nodeID] === "breaks") throw new TypeError("a bug");
        if (behaviour[nodeID] === "is silent") await sleep(20_000, undefined, { ref: false });
        if (behaviour[nodeID] === "waits") await sleep(5_500);
        await more({ call: (other, m) => ctx.call(`repeattest.${other}`, { n: m }) }, n);
        return { n, from: nodeID };
      };
    return {
      name: "repeattest",
      actions: {
        read: run("read"),
        write: run("write"),
        through: run("through", (ctx, n) => ctx.call("read", n)),
        writeAll: run("writeAll", (ctx, n) => ctx.call("write", n)),
      },
    };
  };

  const start = async (serving: readonly string[], callerServes = false) => {
    const namespace = randomUUID();
    const caller = node("caller", namespace);
    if (callerServes) caller.createService(does("caller"));
    for (const id of serving) node(id, namespace).createService(does(id));
    await Promise.all(brokers.map((it) => it.start()));
    const count = serving.length + (callerServes ? 1 : 0);
    await eventually("all are known", () => {
      const list = caller.registry.getActionEndpoints("repeattest.read");
      return list?.endpoints.length === count;
    });
    call = (name, n, options) => caller.call(`repeattest.${name}`, { n }, options);
  };

  for (const failing of ["is away", "rejects", "is silent"] as const)
    it(`are asked of another node when one ${failing}`, async () => {
      await start(["one", "two"]);
      behaviour = { one: failing };
      const answers = await Promise.all([1, 2, 3, 4].map((n) => call("read", n)));
      assert.deepEqual(
        answers,
        [1, 2, 3, 4].map((n) => ({ n, from: "two" })),
      );
      assert.equal(ran.filter((it) => it.startsWith("one.")).length, 2, "round robin");
    });

  it("leave this node for another one, though it is preferred", async () => {
    await start(["one"], true);
    assert.deepEqual(await call("read", 1), { n: 1, from: "caller" });
    behaviour = { caller: "is away" };
    assert.deepEqual(await call("read", 2), { n: 2, from: "one" });
  });

  it("are asked of three nodes, and each of them once", async () => {
    await start(["one", "two", "three", "four"]);
    behaviour = { one: "is away", two: "is away", three: "is away", four: "is away" };
    await assert.rejects(call("read", 1), { type: "UNAVAILABLE" });
    assert.equal(ran.length, 3);
    assert.equal(new Set(ran).size, 3);
  });

  it("are not repeated where there is no other node, or the caller has named one", async () => {
    await start(["one"]);
    behaviour = { one: "is away" };
    await assert.rejects(call("read", 1), { type: "UNAVAILABLE" });
    assert.deepEqual(ran, ["one.read.1"]);
    await assert.rejects(call("read", 2, { nodeID: "one" }), { type: "UNAVAILABLE" });
    assert.equal(ran.length, 2);
  });

  it("are not repeated for refusals and bugs", async () => {
    await start(["one", "two"]);
    for (const failing of ["refuses", "breaks"] as const) {
      ran.length = 0;
      behaviour = { one: failing, two: failing };
      await assert.rejects(call("read", 1));
      assert.equal(ran.length, 1);
    }
  });

  it("are not repeated while they wait as long as the client asked for", async () => {
    await start(["one", "two"]);
    behaviour = { one: "waits", two: "waits" };
    await call("read", 1, { meta: { preferWait: 6 } });
    assert.equal(ran.length, 1);
  });

  it("take no longer than a call may", async () => {
    await start(["one", "two", "three"]);
    behaviour = { one: "is silent", two: "is silent", three: "is silent" };
    const since = performance.now();
    await assert.rejects(call("read", 1, { timeout: 1_000 }), { name: "RequestTimeoutError" });
    const took = performance.now() - since;
    assert.ok(took > 900 && took < 4_000, `${took} ms`);
  });

  it("are repeated once where one asks another, not once more by each", async () => {
    await start(["one", "two", "three"]);
    behaviour = {};
    const namespace = brokers[0]?.namespace ?? "";
    // The inner read fails everywhere, the outer one nowhere.
    const outer = node("outer", namespace);
    outer.createService({
      name: "outer",
      actions: {
        ask: (ctx: Asking) => ctx.call("repeattest.read", { n: 1 }),
      },
    });
    await outer.start();
    await outer.waitForServices("repeattest");
    behaviour = { one: "is away", two: "is away", three: "is away" };
    await assert.rejects(outer.call("outer.ask"), { type: "UNAVAILABLE", retryable: false });
    assert.equal(ran.length, 3);
    ran.length = 0;
    behaviour = {};
    assert.ok(await call("through", 1));
  });

  it("keep what the node that answers puts into the call's meta", async () => {
    await start(["one"], true);
    behaviour = { caller: "is away" };
    const [caller] = brokers;
    caller?.createService({
      name: "asker",
      actions: {
        async ask(ctx: Asking) {
          await ctx.call("repeattest.read", { n: 1 });
          return ctx.meta.from;
        },
      },
    });
    await caller?.waitForServices("asker");
    assert.equal(await caller?.call("asker.ask"), "one");
  });

  describe("while writes", () => {
    for (const failing of ["is away", "rejects", "is silent"] as const)
      it(`are carried out once at most when a node ${failing}`, async () => {
        await start(["one", "two"]);
        behaviour = { one: failing, two: failing };
        await assert.rejects(call("write", 1, { timeout: 300 }));
        await assert.rejects(call("writeAll", 2, { timeout: 300 }));
        assert.deepEqual(
          ran.map((it) => it.split(".").slice(1).join(".")),
          ["write.1", "writeAll.2"],
        );
      });

    it("inside of writes are carried out once at most", async () => {
      await start(["one", "two"]);
      await call("writeAll", 1);
      const names = ran.map((it) => it.split(".").slice(1).join("."));
      assert.deepEqual(names.sort(), ["write.1", "writeAll.1"]);
    });
  });

  describe("over RabbitMQ", () => {
    let proxy: TcpProxy;
    beforeEach(async () => {
      proxy = await tcpProxy(AMQP_URL);
    });
    afterEach(async () => {
      proxy.allow();
      await Promise.all(brokers.splice(0).map((it) => it.stop()));
      await proxy.close();
    });

    it("all succeed while a node is lost under them, and no write is done twice", async () => {
      const namespace = `test-${randomUUID().slice(0, 8)}`;
      const amqp = (url: string) => new AmqpTransporter(url, { autoDeleteQueues: 10_000, prefetch: 100 });
      const caller = node("caller", namespace, amqp(AMQP_URL));
      node("one", namespace, amqp(proxy.via(AMQP_URL))).createService(does("one"));
      node("two", namespace, amqp(AMQP_URL)).createService(does("two"));
      await Promise.all(brokers.map((it) => it.start()));
      await eventually("both are known", () => {
        const list = caller.registry.getActionEndpoints("repeattest.read");
        return list?.endpoints.length === 2;
      });
      const reads: Promise<unknown>[] = [];
      const writes: Promise<unknown>[] = [];
      for (let n = 0; n < 200; n++) {
        reads.push(caller.call("repeattest.read", { n }));
        writes.push(caller.call("repeattest.write", { n }).catch(() => undefined));
        if (n === 100) proxy.refuse();
        await sleep(10);
      }
      const answers = await Promise.allSettled(reads);
      assert.deepEqual(
        answers.flatMap((it, n) => (it.status === "rejected" ? [`${n}: ${it.reason}`] : [])),
        [],
      );
      await Promise.all(writes);
      const done = ran.filter((it) => it.includes(".write.")).map((it) => it.split(".").at(-1));
      assert.equal(new Set(done).size, done.length, "no write was done twice");
    });
  });
});

describe("Contracts", () => {
  it("call every GET route a read, and no other route", () => {
    for (const { service, actions } of core.contracts)
      for (const [name, it] of Object.entries(actions))
        if (it.rest) assert.equal(isReadOnly(it), it.rest.startsWith("GET "), `${service}.${name}`);
  });

  it("can't call a GET route a write", () => {
    const get = action({
      summary: "",
      rest: "GET /x",
      auth: "public",
      readOnly: false,
      params: z.strictObject({}),
      returns: z.void(),
    });
    assert.throws(
      () => defineContract({ service: "repeattestbad", actions: { get }, messages: {} }),
      /those only read/,
    );
  });
});

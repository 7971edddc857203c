import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "amqplib";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { brokerOptions } from "../../../broker/moleculer/broker-options.ts";
import { loadConfig } from "../../../broker/moleculer/config.ts";
import { finishBeforeStop } from "../../../broker/moleculer/middlewares/finish-before-stop.ts";
import { refusedCalls } from "../../../broker/moleculer/middlewares/refused-calls.ts";
import { AmqpTransporter } from "../../../broker/moleculer/transport/amqp-transporter.ts";
import { FastDiscoverer } from "../../../broker/moleculer/transport/fast-discoverer.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { type TcpProxy, tcpProxy } from "../../support/servers/tcp-proxy.ts";

const AMQP_URL = process.env.AMQP_URL ?? "amqp://guest:guest@127.0.0.1:5672";
/** Moleculer's own would wait 5 s between two tries. */
const SOON_MS = 4_000;

describe("Moleculer's transporter over RabbitMQ", () => {
  let proxies: TcpProxy[];
  let caller: ServiceBroker;
  let callee: ServiceBroker;
  let runs: number;
  let open: PromiseWithResolvers<void>;
  /** Errors that would end the process outside mocha, which only passes them on. */
  let unhandled: unknown[];
  const keepUnhandled = (reason: unknown) => void unhandled.push(reason);
  let start: (nodeID: string, url: string, socketOptions?: object) => ServiceBroker;
  const echo: ServiceSchema = {
    name: "echo",
    actions: {
      say: (ctx) => ctx.params,
      async slowly() {
        runs++;
        await open.promise;
        return "done";
      },
    },
  };

  beforeEach(async function () {
    this.timeout(30_000);
    proxies = [await tcpProxy(AMQP_URL), await tcpProxy(AMQP_URL)];
    const namespace = `test-${randomUUID().slice(0, 8)}`;
    start = (nodeID, url, socketOptions = {}) => {
      const made = new ServiceBroker({
        nodeID,
        namespace,
        logger: false,
        transporter: new AmqpTransporter(url, { autoDeleteQueues: 10_000, socketOptions }),
        registry: { discoverer: new FastDiscoverer() },
        middlewares: [finishBeforeStop, refusedCalls],
        requestTimeout: 8_000,
        skipProcessEventRegistration: true,
      });
      if (nodeID === "callee") made.createService(echo);
      return made;
    };
    unhandled = [];
    process.on("unhandledRejection", keepUnhandled);
    runs = 0;
    open = Promise.withResolvers();
    caller = start("caller", proxies[0]!.via(AMQP_URL));
    callee = start("callee", proxies[1]!.via(AMQP_URL));
    await Promise.all([caller.start(), callee.start()]);
    await caller.waitForServices("echo", 10_000, 50);
  });

  afterEach(async function () {
    this.timeout(30_000);
    open.resolve();
    await Promise.all([caller.stop(), callee.stop()]);
    await Promise.all(proxies.map((it) => it.close()));
    process.off("unhandledRejection", keepUnhandled);
  });

  const transporterOf = (broker: ServiceBroker) => broker.transit?.tx as AmqpTransporter;
  const answersWithin = (ms: number) =>
    eventually("a call is answered", async () => (await caller.call("echo.say", { n: 1 })) !== null, ms);
  const reconnected = (broker: ServiceBroker, lost: unknown) =>
    eventually("a new connection is there", () => {
      const { connected, connection } = transporterOf(broker);
      return connected && connection !== lost;
    });

  it("calls again soon after RabbitMQ was away", async function () {
    this.timeout(20_000);
    await answersWithin(2_000);
    proxies[0]!.refuse();
    await eventually("the connection is lost", () => !transporterOf(caller).connected);
    await assert.rejects(caller.call("echo.say", {}));
    proxies[0]!.allow();
    await answersWithin(SOON_MS);
  });

  it("calls again after RabbitMQ has closed its channel alone", async function () {
    this.timeout(20_000);
    const { connection, channel } = transporterOf(caller);
    // Publishing to an exchange that is not there makes RabbitMQ close the channel.
    channel.publish(`none-${randomUUID()}`, "", Buffer.from("x"));
    await reconnected(caller, connection);
    await answersWithin(SOON_MS);
  });

  it("calls again after a connection that it gave up has died before the farewell was answered", async function () {
    this.timeout(20_000);
    const transporter = transporterOf(callee);
    const { connection, subscribe } = transporter;
    transporter.subscribe = async () => {
      transporter.subscribe = subscribe;
      proxies[1]!.stall();
      setTimeout(() => {
        proxies[1]!.resume();
        proxies[1]!.cut();
      }, 100);
      throw new Error("no queue today");
    };
    proxies[1]!.cut();
    await reconnected(callee, connection);
    await answersWithin(SOON_MS);
  });

  it("lives on when its connection dies before the prefetch of a new channel is confirmed", async function () {
    this.timeout(20_000);
    const transporter = transporterOf(callee);
    const { connection, logger } = transporter;
    const { info } = logger;
    // Moleculer logs this right before it sends the prefetch.
    logger.info = (...args) => {
      if (args[0] !== "AMQP channel is created.") return;
      logger.info = info;
      proxies[1]!.stall();
      setTimeout(() => {
        proxies[1]!.resume();
        proxies[1]!.cut();
      }, 100);
    };
    proxies[1]!.cut();
    await reconnected(callee, connection);
    await eventually("the prefetch was cut off", () => logger.info === info);
    await answersWithin(SOON_MS);
    assert.deepEqual(unhandled, []);
  });

  it("passes over an address that takes connections and says nothing", async function () {
    this.timeout(20_000);
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const config = loadConfig({ AMQP_URL: `amqp://127.0.0.1:${port},${AMQP_URL}` });
    const { socketOptions } = (brokerOptions(config).transporter as AmqpTransporter).opts as {
      socketOptions?: object;
    };
    assert.deepEqual(socketOptions, { noDelay: true, keepAlive: true, timeout: 10_000 });
    const wanderer = start("wanderer", config.AMQP_URL!, { ...socketOptions, timeout: 300 });
    try {
      await wanderer.start();
      await wanderer.waitForServices("echo", 5_000, 50);
      assert.deepEqual(await wanderer.call("echo.say", { n: 1 }), { n: 1 });
    } finally {
      await wanderer.stop();
      silent.close();
    }
  });

  it("goes to another address when its own is gone, and takes its queues along", async function () {
    this.timeout(30_000);
    const [one, two] = [await tcpProxy(AMQP_URL), await tcpProxy(AMQP_URL)];
    const wanderer = start("wanderer", `${one.via(AMQP_URL)},${two.via(AMQP_URL)}`);
    wanderer.createService({ name: "roamer", actions: { say: (ctx) => ctx.params } });
    const answered = () =>
      eventually("it is called and calls", async () => {
        await caller.call("roamer.say", { n: 1 }, { nodeID: "wanderer" });
        return (await wanderer.call("echo.say", { n: 1 })) !== null;
      });
    try {
      await wanderer.start();
      await answered();
      assert.deepEqual([one.connections, two.connections], [1, 0]);
      two.refuse();
      one.refuse();
      // Its queues have ended with the connection, so no answer is awaited.
      await eventually("a call to it is refused", () =>
        caller.call("roamer.say", {}, { nodeID: "wanderer", timeout: 2_000 }).then(
          () => false,
          (error) => error.type === "UNAVAILABLE" && error.retryable,
        ),
      );
      two.allow();
      await answered();
      assert.deepEqual([one.connections, two.connections], [0, 1]);
      one.allow();
      two.refuse();
      await answered();
      assert.deepEqual([one.connections, two.connections], [1, 0]);
    } finally {
      await wanderer.stop();
      await Promise.all([one.close(), two.close()]);
    }
  });

  it("is heard in a cluster where its last connection's queues are locked and away", async function () {
    this.timeout(20_000);
    const url = proxies[0]!.via(AMQP_URL);
    // What a crashed RabbitMQ 4 node leaves behind until it is back.
    const dead = await connect(AMQP_URL);
    const locks = await dead.createChannel();
    const prefix = `MOL-${caller.namespace}`;
    for (const it of ["EVENT", "REQ", "RES", "INFO", "DISCOVER", "HEARTBEAT"])
      await locks.assertQueue(`${prefix}.${it}.wanderer`, { exclusive: true, durable: false });
    const wanderer = start("wanderer", `${url},${url}`);
    wanderer.createService({ name: "roamer", actions: { say: (ctx) => ctx.params } });
    try {
      await wanderer.start();
      await eventually("it is called and calls", async () => {
        await caller.call("roamer.say", { n: 1 }, { nodeID: "wanderer" });
        return (await wanderer.call("echo.say", { n: 1 })) !== null;
      });
    } finally {
      await wanderer.stop();
      await dead.close();
    }
  });

  it("keeps its new channel when a request of the old one ends", async function () {
    this.timeout(20_000);
    const answer = caller.call("echo.slowly", {}).catch((error: Error) => error.message);
    await eventually("the request runs", () => runs === 1);
    const { connection } = transporterOf(callee);
    proxies[1]!.cut();
    await reconnected(callee, connection);
    await answersWithin(SOON_MS);
    const { channel } = transporterOf(callee);
    open.resolve();
    assert.equal(await answer, "done");
    await answersWithin(SOON_MS);
    assert.equal(transporterOf(callee).channel, channel);
    assert.equal(runs, 1);
  });

  it("answers over its next connection what ends while one is being closed", async function () {
    this.timeout(20_000);
    const answer = caller.call("echo.slowly", {});
    await eventually("the request runs", () => runs === 1);
    const { connection } = transporterOf(callee);
    proxies[1]!.stall();
    // Never settles where the connection dies before RabbitMQ has answered.
    void connection.close();
    open.resolve();
    await sleep(100);
    assert.deepEqual(unhandled, []);
    proxies[1]!.resume();
    proxies[1]!.cut();
    await reconnected(callee, connection);
    assert.equal(await answer, "done");
    assert.equal(runs, 1);
    await answersWithin(SOON_MS);
  });

  it("answers over its next connection what ends while there is none", async function () {
    this.timeout(20_000);
    const answer = caller.call("echo.slowly", {});
    await eventually("the request runs", () => runs === 1);
    proxies[1]!.refuse();
    await eventually("the connection is lost", () => !transporterOf(callee).connected);
    open.resolve();
    await sleep(100);
    proxies[1]!.allow();
    assert.equal(await answer, "done");
    assert.equal(runs, 1);
  });

  it("is told at once that a node has died that it calls, and calls another one", async function () {
    this.timeout(20_000);
    const twin = start("callee-2", AMQP_URL);
    twin.createService(echo);
    await twin.start();
    const both = () => caller.registry.getActionEndpoints("echo.say")?.endpoints.length === 2;
    await eventually("both are known", both);
    proxies[1]!.refuse();
    await eventually("the connection is lost", () => !transporterOf(callee).connected);
    const began = performance.now();
    for (let n = 0; n < 10; n++) assert.deepEqual(await caller.call("echo.say", { n }), { n });
    assert.ok(both(), "the registry still believes in the dead one");
    assert.ok(performance.now() - began < SOON_MS);
    await twin.stop();
  });

  it("does not carry out again what a node died over, and tells the caller to come again", async function () {
    this.timeout(20_000);
    const answer = caller.call("echo.slowly", {});
    const told = assert.rejects(answer, { type: "UNAVAILABLE", retryable: true });
    await eventually("the request runs", () => runs === 1);
    // The node is gone, and another one with its name replaces it.
    proxies[1]!.refuse();
    const reborn = start("callee", AMQP_URL);
    try {
      await reborn.start();
      await told;
      assert.equal(runs, 1);
      await answersWithin(SOON_MS);
    } finally {
      await reborn.stop();
    }
  });
});

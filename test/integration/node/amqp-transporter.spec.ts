import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { AmqpTransporter } from "../../../broker/amqp-transporter.ts";
import { eventually } from "../../support/eventually.ts";
import { type TcpProxy, tcpProxy } from "../../support/tcp-proxy.ts";

const AMQP_URL = process.env.AMQP_URL ?? "amqp://guest:guest@127.0.0.1:5672";
/** Moleculer's own would wait 5 s between two tries. */
const SOON_MS = 4_000;

describe("Moleculer's transporter over RabbitMQ", () => {
  let proxies: TcpProxy[];
  let caller: ServiceBroker;
  let callee: ServiceBroker;
  let runs: number;
  let open: PromiseWithResolvers<void>;
  let start: (nodeID: string, url: string) => ServiceBroker;
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
    start = (nodeID, url) => {
      const made = new ServiceBroker({
        nodeID,
        namespace,
        logger: false,
        transporter: new AmqpTransporter(url, { autoDeleteQueues: 10_000, prefetch: 10 }),
        requestTimeout: 8_000,
        skipProcessEventRegistration: true,
      });
      if (nodeID === "callee") made.createService(echo);
      return made;
    };
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

  it("does not carry out again what a node died over, and tells the caller to come again", async function () {
    this.timeout(20_000);
    const answer = caller.call("echo.slowly", {});
    const told = assert.rejects(answer, { type: "UNAVAILABLE", retryable: true });
    await eventually("the request runs", () => runs === 1);
    // The node is gone, and another one of its name takes its place.
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

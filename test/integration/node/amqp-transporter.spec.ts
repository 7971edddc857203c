import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { ServiceBroker } from "moleculer";
import { AmqpTransporter } from "../../../broker/amqp-transporter.ts";
import { eventually } from "../../support/eventually.ts";
import { type TcpProxy, tcpProxy } from "../../support/tcp-proxy.ts";

const AMQP_URL = process.env.AMQP_URL ?? "amqp://guest:guest@127.0.0.1:5672";
/** Moleculer's own would wait 5 s between two tries. */
const SOON_MS = 4_000;

describe("Moleculer's transporter over RabbitMQ", () => {
  let proxy: TcpProxy;
  let caller: ServiceBroker;
  let callee: ServiceBroker;
  let transporter: AmqpTransporter;

  before(async function () {
    this.timeout(30_000);
    proxy = await tcpProxy(AMQP_URL);
    const namespace = `test-${randomUUID().slice(0, 8)}`;
    const broker = (nodeID: string, url: string) => {
      const made = new AmqpTransporter(url, { autoDeleteQueues: 10_000 });
      return {
        made,
        broker: new ServiceBroker({
          nodeID,
          namespace,
          logger: false,
          transporter: made,
          requestTimeout: 1_000,
          skipProcessEventRegistration: true,
        }),
      };
    };
    const first = broker("caller", proxy.via(AMQP_URL));
    caller = first.broker;
    transporter = first.made;
    callee = broker("callee", AMQP_URL).broker;
    callee.createService({ name: "echo", actions: { say: (ctx) => ctx.params } });
    await Promise.all([caller.start(), callee.start()]);
    await caller.waitForServices("echo", 10_000, 50);
  });

  after(async function () {
    this.timeout(30_000);
    await Promise.all([caller?.stop(), callee?.stop()]);
    await proxy?.close();
  });

  const answersWithin = (ms: number) =>
    eventually("a call is answered", async () => (await caller.call("echo.say", { n: 1 })) !== null, ms);

  it("calls again soon after RabbitMQ was away", async function () {
    this.timeout(20_000);
    await answersWithin(2_000);
    proxy.refuse();
    await eventually("the connection is lost", () => !transporter.connected);
    await assert.rejects(caller.call("echo.say", {}));
    proxy.allow();
    await answersWithin(SOON_MS);
  });

  it("calls again after RabbitMQ has closed its channel alone", async function () {
    this.timeout(20_000);
    await answersWithin(2_000);
    const lost = transporter.connection;
    // Publishing to an exchange that is not there makes RabbitMQ close the channel.
    transporter.channel.publish(`none-${randomUUID()}`, "", Buffer.from("x"));
    await eventually(
      "a new connection is there",
      () => transporter.connected && transporter.connection !== lost,
    );
    await answersWithin(SOON_MS);
  });
});

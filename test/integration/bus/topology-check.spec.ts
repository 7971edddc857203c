import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAmqpBus } from "../../../broker/bus/amqp/amqp-bus.ts";
import { deadQueueArguments, queueArguments } from "../../../broker/bus/amqp/declare.ts";
import { checkOverAmqp, checkOverApi } from "../../../broker/bus/amqp/topology-check.ts";
import {
  deadExchangeName,
  deadQueueName,
  exchangeName,
  queueName,
  queuesOf,
  topologyOf,
} from "../../../broker/bus/topology.ts";
import { type AmqpBroker, amqpBroker, amqpUrl } from "../../support/bus/amqp-broker.ts";
import { busContract } from "../../support/bus/bus-contract.ts";
import { quietLog } from "../../support/quiet-log.ts";

const topology = topologyOf([busContract]);
/** RabbitMQ before 4.3 does not know it, so that only the management API shows whether it is there. */
const NEW = "x-consumer-disconnected-timeout";
const [plan] = queuesOf(topology);
assert.ok(plan);

describe("The check of what is on RabbitMQ", function () {
  this.timeout(30_000);
  let broker: AmqpBroker;
  let queue: string;

  beforeEach(async () => {
    broker = await amqpBroker([busContract]);
    queue = queueName(broker.prefix, plan.name);
    const bus = await createAmqpBus({ url: amqpUrl, prefix: broker.prefix, name: "test", log: quietLog() });
    await bus.declare(topology);
    await bus.close();
  });
  afterEach(() => broker.close());

  /** Has the first mailbox with other arguments than the bus declares. */
  const spoil = async (args: Record<string, unknown>) => {
    const channel = await broker.channel();
    await channel.deleteQueue(queue);
    await channel.assertQueue(queue, { durable: true, arguments: args });
  };
  /** The arguments of the first mailbox without this one, and without those that RabbitMQ refuses then. */
  const without = (argument: string): Record<string, unknown> => {
    const { [argument]: _left, ...rest }: Record<string, unknown> = queueArguments(broker.prefix, plan);
    if (argument === "x-queue-type") return { "x-dead-letter-exchange": rest["x-dead-letter-exchange"] };
    if (argument === "x-dead-letter-exchange") delete rest["x-dead-letter-routing-key"];
    return rest;
  };
  const check = () => checkOverAmqp(amqpUrl, broker.prefix, topology);

  it("finds nothing wrong with what the bus declares", async () => {
    assert.deepEqual(await check(), []);
  });

  for (const argument of Object.keys(queueArguments("p", plan)).filter((it) => it !== NEW))
    it(`names a mailbox without ${argument}`, async () => {
      await spoil(without(argument));
      const [flaw, ...others] = await check();
      assert.equal(flaw?.name, queue);
      // Of a classic queue, which can't have most of them, RabbitMQ names any.
      if (argument !== "x-queue-type") assert.match(flaw.what, new RegExp(`^${argument} is missing, not `));
      assert.deepEqual(others, []);
    });

  it("names a mailbox with another delivery limit or dead-letter strategy", async () => {
    await spoil({ ...queueArguments(broker.prefix, plan), "x-delivery-limit": 5 });
    assert.deepEqual(await check(), [{ name: queue, what: "x-delivery-limit is 5, not 200" }]);
    await spoil({ ...queueArguments(broker.prefix, plan), "x-dead-letter-strategy": "at-most-once" });
    assert.deepEqual(await check(), [
      { name: queue, what: "x-dead-letter-strategy is at-most-once, not at-least-once" },
    ]);
  });

  it("names missing queues and exchanges, and declares none", async () => {
    const channel = await broker.channel();
    await channel.deleteQueue(queue);
    await channel.deleteQueue(deadQueueName(queue));
    await channel.deleteExchange(deadExchangeName(broker.prefix));
    for (let times = 0; times < 2; times++)
      assert.deepEqual(await check(), [
        { name: queue, what: "is missing" },
        { name: deadQueueName(queue), what: "is missing" },
        { name: deadExchangeName(broker.prefix), what: "is missing" },
      ]);
  });

  describe("over the management API", () => {
    let server: Server;
    let url: string;
    /** As RabbitMQ 3.10 and 4.3 list them. */
    let listed: { name: string; durable: boolean; arguments: Record<string, unknown>; members?: string[] }[];
    let bindings: { source: string; destination: string; routing_key: string }[];
    const asked: (string | undefined)[] = [];

    beforeEach(async () => {
      bindings = queuesOf(topology).flatMap((it) => {
        const destination = queueName(broker.prefix, it.name);
        return [
          ...it.bindings.map((routing_key) => ({
            source: exchangeName(broker.prefix),
            destination,
            routing_key,
          })),
          {
            source: deadExchangeName(broker.prefix),
            destination: deadQueueName(destination),
            routing_key: destination,
          },
          // The default exchange has every queue.
          { source: "", destination, routing_key: destination },
        ];
      });
      listed = queuesOf(topology).flatMap((it) => {
        const name = queueName(broker.prefix, it.name);
        return [
          { name, durable: true, arguments: { ...queueArguments(broker.prefix, it) } },
          { name: deadQueueName(name), durable: true, arguments: { ...deadQueueArguments } },
        ];
      });
      server = createServer((request, response) => {
        asked.push(request.headers.authorization);
        const path = request.url?.split("?")[0];
        const exchanges = [exchangeName(broker.prefix), deadExchangeName(broker.prefix)];
        if (path === "/api/queues/%2F") response.end(JSON.stringify(listed));
        else if (path === "/api/bindings/%2F") response.end(JSON.stringify(bindings));
        else if (path === "/api/nodes") response.end(JSON.stringify([{}, {}, {}]));
        else if (path === "/api/exchanges/%2F")
          response.end(JSON.stringify(exchanges.map((name) => ({ name }))));
        else response.writeHead(404).end();
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      url = `http://me:se%40cret@127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterEach(() => new Promise((resolve) => server.close(resolve)));

    it("names every fault of a queue", async () => {
      assert.deepEqual(await checkOverApi(url, "/", broker.prefix, topology), []);
      assert.equal(asked[0], `Basic ${Buffer.from("me:se@cret").toString("base64")}`);
      const spoilt = listed.find((it) => it.name === queue);
      assert.ok(spoilt);
      spoilt.arguments = { ...spoilt.arguments, "x-queue-type": "classic" };
      delete spoilt.arguments["x-dead-letter-strategy"];
      delete spoilt.arguments["x-single-active-consumer"];
      assert.deepEqual(
        (await checkOverApi(url, "/", broker.prefix, topology)).map((it) => `${it.name}: ${it.what}`),
        [
          `${queue}: x-queue-type is classic, not quorum`,
          `${queue}: x-single-active-consumer is missing, not true`,
          `${queue}: x-dead-letter-strategy is missing, not at-least-once`,
        ],
      );
    });

    it("names bindings that are missing, and those of types that are not received any more", async () => {
      const [first] = plan.bindings;
      const source = exchangeName(broker.prefix);
      bindings = bindings.filter((it) => it.source !== source || it.routing_key !== first);
      bindings.push({ source, destination: queue, routing_key: "bustest.bygone.0" });
      bindings.push({ source, destination: "somebody-elses", routing_key: "bustest.bygone.0" });
      assert.deepEqual(await checkOverApi(url, "/", broker.prefix, topology), [
        { name: queue, what: `is bound to bustest.bygone.0 of ${source}, which it does not receive` },
        { name: queue, what: `is not bound to ${first} of ${source}` },
      ]);
    });

    it("names queues with fewer members than the cluster can give", async () => {
      const lonely = listed.find((it) => it.name === queue);
      assert.ok(lonely);
      lonely.members = ["one", "two"];
      assert.deepEqual(await checkOverApi(url, "/", broker.prefix, topology), [
        { name: queue, what: "has 2 of 3 members" },
      ]);
    });

    it("fails when it is not answered", async () => {
      await assert.rejects(checkOverApi(url, "other", broker.prefix, topology), /answers 404/);
    });
  });
});

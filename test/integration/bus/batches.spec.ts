/** Several messages in one AMQP message, over the real RabbitMQ. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { ConsumeMessage } from "amqplib";
import { createAmqpBus } from "../../../broker/bus/amqp/amqp-bus.ts";
import { BATCH_TYPE } from "../../../broker/bus/amqp/batches.ts";
import type { Bus } from "../../../broker/bus/bus.ts";
import { amqpDeadQueues, type DeadQueues } from "../../../broker/bus/dead-queues.ts";
import {
  deadQueueName,
  exchangeName,
  queueName,
  routingKey,
  topologyOf,
} from "../../../broker/bus/topology.ts";
import type { Envelope } from "../../../broker/contract/envelope.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { type AmqpBroker, amqpBroker, amqpUrl } from "../../support/bus/amqp-broker.ts";
import { collector, counter, subjectIn } from "../../support/bus/bus-conformance.ts";
import { busContract, ears, jobs, mailbox, testMessage } from "../../support/bus/bus-contract.ts";
import { quietLog } from "../../support/quiet-log.ts";

const topology = topologyOf([busContract]);
const QUEUE = "bustestcounter.1";
const subject = subjectIn(1);
const poke = (n: number) => testMessage("bustest.poke", subject, { n });
const work = (n: number) => testMessage("bustest.work", subject, { n });
const heard = (n: number) => testMessage("bustest.heard", subject, { n });
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);
const numberOf = ({ data }: Envelope): number => (data as { n: number }).n;

describe("Messages that share an AMQP message", function () {
  this.timeout(30_000);
  let broker: AmqpBroker;
  let bus: Bus;
  let queues: DeadQueues;
  const buses: Bus[] = [];

  const node = async (readsBatches: boolean) => {
    const made = await createAmqpBus({
      url: amqpUrl,
      prefix: broker.prefix,
      name: "test",
      log: quietLog(),
      readsBatches: () => readsBatches,
    });
    buses.push(made);
    return made;
  };
  /** What is in a queue of the broker. It stays there. */
  const inQueue = async (name: string): Promise<ConsumeMessage[]> => {
    const channel = await broker.channel();
    const found: ConsumeMessage[] = [];
    await channel.consume(queueName(broker.prefix, name), (it) => it && found.push(it));
    await sleep(200);
    await channel.close();
    return found;
  };
  /** As another program, or RabbitMQ, would put it there. */
  const put = async (queue: string, content: string) => {
    const channel = await broker.channel();
    const options = { contentType: BATCH_TYPE, persistent: true, messageId: "whole" };
    channel.sendToQueue(queueName(broker.prefix, queue), Buffer.from(content), options);
    await channel.close();
  };

  beforeEach(async () => {
    broker = await amqpBroker([busContract]);
    bus = await node(true);
    await bus.declare(topology);
    queues = await amqpDeadQueues(amqpUrl, broker.prefix, topology);
  });
  afterEach(async () => {
    await queues.close();
    await Promise.all(buses.splice(0).map((it) => it.close()));
    await broker.close();
  });

  it("are commands to one partition, never events", async () => {
    await Promise.all(
      [...numbers(3).map(poke), heard(3), heard(4), poke(5), poke(6)].map((it) => bus.publish(it)),
    );
    const found = await inQueue(QUEUE);
    const carried = found.map((it) => JSON.parse(it.content.toString()) as Envelope | Envelope[]);
    assert.deepEqual(
      carried.map((it) => (Array.isArray(it) ? it.map(numberOf) : numberOf(it))),
      [[0, 1, 2], 3, 4, [5, 6]],
    );
    assert.equal(found[0]?.properties.contentType, BATCH_TYPE);
    assert.deepEqual([bus.stats.published, bus.stats.confirmed], [7, 7]);
  });

  it("are sent alone while an older node may be a receiver, and understood all the same", async () => {
    const careful = await node(false);
    await Promise.all(numbers(3).map((n) => careful.publish(poke(n))));
    assert.equal((await inQueue(QUEUE)).length, 3);
    const got = counter();
    await careful.consumeMailboxes(mailbox, got.handlers);
    await Promise.all([3, 4, 5].map((n) => bus.publish(poke(n))));
    await eventually("all of them", () => got.total === 6);
    assert.deepEqual(got.in(1), numbers(6));
  });

  it("come again together until all of them are settled", async () => {
    const first = collector();
    const consumption = await bus.consumeMailboxes(mailbox, first.handlers);
    await Promise.all(numbers(3).map((n) => bus.publish(poke(n))));
    await eventually("all delivered", () => first.deliveries.length === 3);
    first.deliveries[0]?.ack();
    first.deliveries[2]?.ack();
    await consumption.stop(async () => undefined);
    assert.deepEqual(first.lost, [1]);
    const second = collector();
    const again = await bus.consumeMailboxes(mailbox, second.handlers);
    await eventually("all delivered again", () => second.deliveries.length === 3);
    assert.ok(second.deliveries.every((it) => it.redelivered));
    for (const it of second.deliveries) it.ack();
    await again.stop(async () => undefined);
    assert.deepEqual(await inQueue(QUEUE), []);
  });

  it("are buried one by one, as messages of their own", async () => {
    const got = collector();
    await bus.consumeMailboxes(mailbox, got.handlers);
    const sent = [poke(0), testMessage("bustest.poke", subject, { n: "misfit" }), poke(2), poke(3)];
    await Promise.all(sent.map((it) => bus.publish(it)));
    await eventually("three are handed over", () => got.deliveries.length === 3);
    await got.deliveries[1]?.dead(new RangeError("out of it"), 5);
    for (const it of got.deliveries) it.ack();
    await eventually("two are buried", async () => (await queues.show(QUEUE, 10)).length === 2);
    const shown = await queues.show(QUEUE, 10);
    assert.deepEqual(
      shown.map((it) => [it.id, it.error?.name]).sort(),
      [
        [sent[1]?.id, "ZodError"],
        [sent[2]?.id, "RangeError"],
      ].sort(),
    );
    for (const it of shown) assert.equal(JSON.parse(it.content).id, it.id);
    assert.deepEqual(await inQueue(QUEUE), []);
  });

  it("that RabbitMQ has buried itself are shown, replayed and dropped one by one or together", async () => {
    const sent = numbers(4).map(poke);
    const dead = deadQueueName(QUEUE);
    await put(dead, JSON.stringify(sent));
    await eventually("it is there", async () => (await queues.show(QUEUE, 10)).length === 4);
    assert.deepEqual(
      (await queues.show(QUEUE, 2)).map((it) => it.id),
      sent.slice(0, 2).map((it) => it.id),
    );
    const got = counter();
    await bus.consumeMailboxes(mailbox, got.handlers);
    assert.equal(await queues.replay(QUEUE, [sent[2]?.id ?? ""]), 1);
    await eventually("one is replayed", () => got.total === 1);
    assert.equal(await queues.drop(QUEUE, [sent[0]?.id ?? "", "unknown"]), 1);
    assert.deepEqual(
      (await queues.show(QUEUE, 10)).map((it) => it.id),
      [sent[1]?.id, sent[3]?.id],
    );
    await put(dead, JSON.stringify([poke(8), poke(9)]));
    await eventually("two more", async () => (await queues.show(QUEUE, 10)).length === 4);
    assert.equal(await queues.replay(QUEUE), 4);
    await eventually("all are replayed", () => got.total === 5);
    assert.deepEqual(got.in(1), [2, 1, 3, 8, 9]);
    assert.deepEqual(await queues.list(), []);
  });

  it("are buried as they stand where they are no batch", async () => {
    await bus.consumeMailboxes(mailbox, counter().handlers);
    await put(QUEUE, "[");
    await put(QUEUE, "[]");
    await eventually("both are buried", async () => (await queues.show(QUEUE, 10)).length === 2);
    const shown = await queues.show(QUEUE, 10);
    assert.deepEqual(shown.map((it) => it.content).sort(), ["[", "[]"]);
  });

  it("do not make a worker do more at once than it should", async () => {
    let [running, most, done] = [0, 0, 0];
    await bus.consumeWorker(
      jobs,
      async () => {
        most = Math.max(most, ++running);
        await sleep(5);
        running--;
        done++;
      },
      { prefetch: 4 },
    );
    await Promise.all(numbers(60).map((n) => bus.publish(work(n))));
    await eventually("all done", () => done === 60);
    assert.equal(most, 4);
    assert.deepEqual(await inQueue("bustest.jobs"), []);
  });

  it("leave the others of their batch to a worker's retries", async () => {
    const done: number[] = [];
    await bus.consumeWorker(jobs, async (message) => {
      if (numberOf(message) === 1) throw new TypeError("one is poison");
      done.push(numberOf(message));
    });
    await Promise.all(numbers(3).map((n) => bus.publish(work(n))));
    await eventually("buried", async () => (await queues.show("bustest.jobs", 10)).length === 1);
    assert.deepEqual(done.sort(), [0, 2]);
  });

  it("fail together where no queue takes them, and arrive once there is one", async () => {
    const channel = await broker.channel();
    const [exchange, queue] = [exchangeName(broker.prefix), queueName(broker.prefix, QUEUE)];
    await channel.unbindQueue(queue, exchange, routingKey("bustest.poke", 1));
    const outcomes = await Promise.allSettled(numbers(3).map((n) => bus.publish(poke(n))));
    assert.deepEqual(
      outcomes.map((it) => it.status === "rejected" && it.reason.name),
      ["UnroutableError", "UnroutableError", "UnroutableError"],
    );
    assert.equal(bus.stats.returned, 3);
    await eventually("bound again", () =>
      bus.publish(poke(3)).then(
        () => true,
        () => false,
      ),
    );
    const ear = await bus.consumeWorker(ears, async () => undefined);
    await ear.stop(async () => undefined);
  });
});

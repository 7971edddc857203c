import assert from "node:assert/strict";
import { createAmqpBus } from "../../../broker/bus/amqp/amqp-bus.ts";
import type { Bus } from "../../../broker/bus/bus.ts";
import { amqpDeadQueues, checkQueueName, type DeadQueues } from "../../../broker/bus/dead-queues.ts";
import { describeFailure } from "../../../broker/bus/failure.ts";
import { type DeadLetter, letterId, mongoDeadLetters } from "../../../broker/bus/local/dead-letters.ts";
import { queueName, topologyOf } from "../../../broker/bus/topology.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { type AmqpBroker, amqpBroker, amqpUrl } from "../../support/bus/amqp-broker.ts";
import { subjectIn } from "../../support/bus/bus-conformance.ts";
import { busContract, mailbox, testMessage } from "../../support/bus/bus-contract.ts";
import { quietLog } from "../../support/quiet-log.ts";
import { type MemoryDatabase, openMemoryDatabase } from "../../support/servers/memory-database.ts";

const topology = topologyOf([busContract]);

describe("Dead queues on RabbitMQ", () => {
  let broker: AmqpBroker;
  let bus: Bus;
  let queues: DeadQueues;
  /** While true, the mailbox dead-letters messages. Otherwise it acks and records them. */
  let broken: boolean;
  let applied: { id: string; n: number }[];
  const messages = [0, 1, 2, 3].map((n) => testMessage("bustest.poke", subjectIn(0), { n }));

  beforeEach(async () => {
    broker = await amqpBroker([busContract]);
    bus = await createAmqpBus({ url: amqpUrl, prefix: broker.prefix, name: "test", log: quietLog() });
    await bus.declare(topology);
    queues = await amqpDeadQueues(amqpUrl, broker.prefix, topology);
    broken = true;
    applied = [];
    await bus.consumeMailboxes(mailbox, {
      onLost: () => undefined,
      onDelivery(delivery) {
        const { id, data } = delivery.message;
        if (broken) void delivery.dead(new RangeError("broken"), 5);
        else {
          applied.push({ id, n: (data as { n: number }).n });
          delivery.ack();
        }
      },
    });
    for (const message of messages) await bus.publish(message);
    await eventually("all buried", () => bus.stats.dead === messages.length);
  });

  afterEach(async () => {
    await queues.close();
    await bus.close();
    await broker.close();
  });

  it("are listed and shown with the error, and looking takes nothing out", async () => {
    for (let looks = 0; looks < 25; looks++) await queues.show("bustestcounter.0", 10);
    assert.deepEqual(await queues.list(), [{ queue: "bustestcounter.0", count: 4 }]);
    const [first, second, ...others] = await queues.show("bustestcounter.0", 2);
    assert.equal(others.length, 0);
    assert.equal(first?.id, messages[0]?.id);
    assert.equal(second?.id, messages[1]?.id);
    assert.equal(first?.attempts, 5);
    assert.equal(first.error?.name, "RangeError");
    assert.deepEqual(JSON.parse(first.content), messages[0]);
  });

  it("are replayed under the messages' own ids, all or by id", async () => {
    broken = false;
    assert.equal(await queues.replay("bustestcounter.0", [messages[2]!.id]), 1);
    await eventually("the one", () => applied.length === 1);
    assert.deepEqual(applied, [{ id: messages[2]!.id, n: 2 }]);
    assert.equal(await queues.replay("bustestcounter.0"), 3);
    await eventually("the rest", () => applied.length === 4);
    assert.deepEqual(
      applied.map((it) => it.n),
      [2, 0, 1, 3],
    );
    assert.deepEqual(await queues.list(), []);
  });

  it("get a message back that fails again", async () => {
    await queues.replay("bustestcounter.0", [messages[0]!.id]);
    await eventually("buried again", () => bus.stats.dead === 5);
    assert.deepEqual(await queues.list(), [{ queue: "bustestcounter.0", count: 4 }]);
  });

  it("keep their messages when the queue to replay to is gone", async () => {
    const channel = await broker.channel();
    await channel.deleteQueue(queueName(broker.prefix, "bustest.jobs"));
    channel.publish("", queueName(broker.prefix, "bustest.jobs.dead"), Buffer.from("{}"), {
      persistent: true,
    });
    await eventually("buried", async () => (await queues.list()).some((it) => it.queue === "bustest.jobs"));
    await assert.rejects(queues.replay("bustest.jobs"), /is gone/);
    await eventually("still there", async () => (await queues.show("bustest.jobs", 10)).length === 1);
  });

  it("are dropped by id or all at once", async () => {
    assert.equal(await queues.drop("bustestcounter.0", [messages[1]!.id, "unknown"]), 1);
    assert.deepEqual(await queues.list(), [{ queue: "bustestcounter.0", count: 3 }]);
    assert.equal(await queues.drop("bustestcounter.0"), 3);
    assert.deepEqual(await queues.list(), []);
  });

  it("may be named with or without prefix and ending", () => {
    for (const name of ["bustest.jobs", "souk.bustest.jobs", "bustest.jobs.dead", "souk.bustest.jobs.dead"])
      assert.equal(checkQueueName(topology, "souk", name), "bustest.jobs");
    assert.throws(() => checkQueueName(topology, "souk", "nope"), /no queue nope.*bustestcounter\.0 to/);
  });
});

describe("Dead letters in the embedded store", () => {
  let database: MemoryDatabase;
  const letter = (n: number, queue = "bustest.jobs"): DeadLetter => {
    const message = testMessage("bustest.work", "x", { n, odd: { $key: 1, "a.b": null } });
    return {
      id: letterId(queue, message.id),
      queue,
      message,
      error: describeFailure(new Error(`failure ${n}`)),
      attempts: 5,
      at: new Date(1_000 + n),
    };
  };

  before(async () => {
    database = await openMemoryDatabase(quietLog());
  });
  after(async () => {
    await database.close();
  });

  it("come back as they were, the oldest first, whatever keys the message has", async () => {
    const letters = mongoDeadLetters(database.service("dead1"));
    const [one, two] = [letter(1), letter(2)];
    await letters.add(two);
    await letters.add(one);
    await letters.add(letter(3, "bustest.ears"));
    assert.deepEqual(await letters.list("bustest.jobs", 10), [one, two]);
    assert.deepEqual(await letters.list("bustest.jobs", 1), [one]);
    assert.deepEqual(await letters.queues(), [
      { queue: "bustest.ears", count: 1 },
      { queue: "bustest.jobs", count: 2 },
    ]);
  });

  it("replace themselves, remember that a replay was asked for, and forget", async () => {
    const letters = mongoDeadLetters(database.service("dead2"));
    const [one, two] = [letter(1), letter(2)];
    for (const it of [one, two, one]) await letters.add(it);
    assert.equal(await letters.requestReplay("bustest.jobs", [one.message.id]), 1);
    assert.deepEqual(await letters.requested(10), [one]);
    await letters.add(one);
    assert.deepEqual(await letters.requested(10), [], "buried again, it waits for an operator again");
    assert.equal(await letters.requestReplay("bustest.jobs"), 2);
    assert.equal(await letters.drop("bustest.jobs", [two.message.id]), 1);
    assert.equal(await letters.drop("bustest.jobs"), 1);
    assert.deepEqual(await letters.queues(), []);
  });
});

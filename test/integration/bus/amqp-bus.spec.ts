import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type ChannelModel, connect } from "amqplib";
import { type AmqpBusOptions, createAmqpBus } from "../../../broker/bus/amqp/amqp-bus.ts";
import { declareTopology } from "../../../broker/bus/amqp/declare.ts";
import { type Bus, BusUnavailableError, UnroutableError } from "../../../broker/bus/bus.ts";
import {
  deadExchangeName,
  deadQueueName,
  exchangeName,
  mailboxName,
  queueName,
  queuesOf,
  topologyOf,
} from "../../../broker/bus/topology.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { type AmqpBroker, amqpBroker, amqpUrl } from "../../support/bus/amqp-broker.ts";
import { blockedFrame, unblockedFrame } from "../../support/bus/amqp-frames.ts";
import { busConformance, collector, counter, subjectIn } from "../../support/bus/bus-conformance.ts";
import { busContract, jobs, mailbox, tapContract, testMessage } from "../../support/bus/bus-contract.ts";
import { tapConformance } from "../../support/bus/tap-conformance.ts";
import { quietLog } from "../../support/quiet-log.ts";
import { type TcpProxy, tcpProxy } from "../../support/servers/tcp-proxy.ts";
import { standIn } from "../../support/stand-in.ts";

const topology = topologyOf([busContract]);
const poke = (n: number, partition = 1) => testMessage("bustest.poke", subjectIn(partition), { n });
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

describe("The bus over RabbitMQ", function () {
  this.timeout(30_000);

  let broker: AmqpBroker;
  let log: ReturnType<typeof quietLog>;
  const buses: Bus[] = [];

  const createBus = async (options: Partial<AmqpBusOptions> = {}) => {
    const bus = await createAmqpBus({ url: amqpUrl, prefix: broker.prefix, name: "test", log, ...options });
    buses.push(bus);
    return bus;
  };
  const open = async () => {
    broker = await amqpBroker([busContract, tapContract]);
    log = quietLog();
  };
  const close = async () => {
    await Promise.all(buses.splice(0).map((bus) => bus.close()));
    await broker.close();
  };

  for (const together of [false, true])
    describe(
      together ? "with messages that share AMQP messages" : "with an AMQP message for each message",
      () =>
        busConformance(async () => {
          await open();
          return {
            repeatsAtHandOver: true,
            node: () => createBus({ readsBatches: () => together }),
            buried: (queue) => broker.buried(queue),
            close,
          };
        }),
    );

  tapConformance(async () => {
    await open();
    return {
      repeatsAtHandOver: true,
      node: () => createBus(),
      buried: (queue) => broker.buried(queue),
      close,
    };
  });

  describe("beside a newer version", () => {
    beforeEach(open);
    afterEach(close);
    const newer = testMessage("bustest.poke", subjectIn(1), { n: 1, mode: "twice" });
    const queue = mailboxName(mailbox.actor, 1);

    it("keeps a message with a value that is not known for a node that may know it", async () => {
      const older = await createBus();
      await older.declare(topology);
      const got = counter();
      const consumption = await older.consumeMailboxes(mailbox, got.handlers);
      await older.publish(newer);
      await older.publish(poke(2));
      await eventually("the next one is handled", () => got.in(1).includes(2));
      assert.deepEqual(await broker.buried(queue), []);
      await consumption.stop(async () => undefined);
      const channel = await broker.channel();
      const left: unknown[] = [];
      await channel.consume(queueName(broker.prefix, queue), (it) => left.push(it?.properties.messageId));
      await eventually("it comes to another node", () => left.includes(newer.id));
    });

    it("buries it when nobody has taken over for long", async () => {
      const older = await createBus({ newerWaitMs: 300 });
      await older.declare(topology);
      await older.consumeMailboxes(mailbox, counter().handlers);
      await older.publish(newer);
      const [buried] = await eventually("it is buried", async () => {
        const found = await broker.buried(queue);
        return found.length > 0 && found;
      });
      assert.equal(buried?.errorName, "UnknownValueError");
      assert.match(buried?.errorMessage ?? "", /bustest\.poke has a value that is not known here: mode/);
    });
  });

  describe("on a network that breaks", () => {
    let proxy: TcpProxy;
    beforeEach(async () => {
      await open();
      proxy = await tcpProxy(amqpUrl);
    });
    afterEach(async () => {
      proxy.allow();
      proxy.resume();
      await close();
      await proxy.close();
    });

    it("comes back by itself after cuts; what was confirmed arrives, what was not is told", async () => {
      const bus = await createBus({ url: proxy.via(amqpUrl), window: 50 });
      await bus.declare(topology);
      const got = counter();
      await bus.consumeMailboxes(mailbox, got.handlers);
      const confirmed: number[] = [];
      let refused = 0;
      for (let n = 0; n < 1_500; n++) {
        const sent = bus.publish(poke(n)).then(
          () => void confirmed.push(n),
          (error) => {
            assert.ok(error instanceof BusUnavailableError, String(error));
            refused++;
          },
        );
        if (n % 50 === 49) await sent;
        if (n % 500 === 275) {
          const expected = bus.stats.reconnects + 2;
          proxy.cut();
          await eventually("both connections are back", () => bus.stats.reconnects === expected);
          await eventually("it can publish", () => bus.state === "connected");
        }
      }
      await eventually("all settled", () => confirmed.length + refused === 1_500);
      await eventually("all confirmed arrived", () => {
        const arrived = new Set(got.in(1));
        return confirmed.every((n) => arrived.has(n));
      });
      const firsts = [...new Set(got.in(1))];
      assert.deepEqual(
        firsts,
        [...firsts].sort((a, b) => a - b),
        "first deliveries are in order",
      );
      assert.ok(got.lost.includes(1), "the handler was told");
    });

    it("finds that all is declared, and declares it again when there is time", async () => {
      const first = await createBus({});
      await first.declare(topology);
      await first.close();
      const channel = await broker.channel();
      const queue = queueName(broker.prefix, mailboxName(mailbox.actor, 0));
      await channel.deleteQueue(queue);
      const hasQueue = async () => {
        const on = await broker.channel();
        return on.checkQueue(queue).then(
          () => true,
          () => false,
        );
      };
      const [hurried, unhurried] = [await createBus({}), await createBus({ redeclareMs: 300 })];
      await hurried.declare(topology);
      await unhurried.declare(topology);
      assert.equal(await hasQueue(), false);
      await eventually("it is there again", hasQueue);
    });

    it("declares again what RabbitMQ has lost while it was away", async () => {
      const bus = await createBus({ url: proxy.via(amqpUrl) });
      await bus.declare(topology);
      const got = counter();
      await bus.consumeMailboxes(mailbox, got.handlers);
      proxy.refuse();
      await eventually("it knows", () => bus.state === "connecting");
      const channel = await broker.channel();
      for (const { name } of queuesOf(topology))
        for (const queue of [queueName(broker.prefix, name), deadQueueName(queueName(broker.prefix, name))])
          await channel.deleteQueue(queue);
      for (const exchange of [exchangeName(broker.prefix), deadExchangeName(broker.prefix)])
        await channel.deleteExchange(exchange);
      proxy.allow();
      await eventually("it publishes again", () =>
        bus.publish(testMessage("bustest.work", "x", { n: 1 })).then(
          () => true,
          () => false,
        ),
      );
      await eventually("its mailbox receives again", async () => {
        await bus.publish(poke(1));
        return got.in(1).includes(1);
      });
      await bus.publish(poke(2, 0));
      await eventually("all of its mailboxes", () => got.in(0).includes(2));
    });

    it("fails what is in flight and what waits when the connection goes", async () => {
      const bus = await createBus({ url: proxy.via(amqpUrl), window: 5 });
      await bus.declare(topology);
      proxy.stall();
      const outcomes = Promise.allSettled(numbers(20).map((n) => bus.publish(poke(n))));
      await sleep(50);
      assert.equal(bus.stats.published, 5, "the window bounds what is handed to the socket");
      proxy.cut();
      for (const it of await outcomes) {
        assert.equal(it.status, "rejected");
        assert.ok(it.reason instanceof BusUnavailableError);
      }
    });

    it("notices a connection that went silent by its heartbeat", async () => {
      const bus = await createBus({ url: proxy.via(amqpUrl), heartbeatSeconds: 1 });
      await bus.declare(topology);
      const got = counter();
      await bus.consumeMailboxes(mailbox, got.handlers);
      await bus.publish(poke(0));
      await eventually("delivered", () => got.total === 1);
      proxy.stall();
      await assert.rejects(bus.publish(poke(1)), BusUnavailableError);
      proxy.resume();
      await eventually("connected again", () => bus.state === "connected");
      await bus.publish(poke(2));
      await eventually("delivered again", () => got.in(1).includes(2));
    });

    it("fails over between nodes in order when the active one loses its connection", async () => {
      const frail = await createBus({ url: proxy.via(amqpUrl) });
      const steady = await createBus();
      await frail.declare(topology);
      const first = collector();
      const second = counter();
      await frail.consumeMailboxes(mailbox, first.handlers);
      await steady.consumeMailboxes(mailbox, second.handlers);
      await Promise.all(numbers(30).map((n) => steady.publish(poke(n))));
      await eventually("the active one has them", () => first.deliveries.length === 30);
      for (const delivery of first.deliveries.slice(0, 10)) delivery.ack();
      proxy.refuse();
      await eventually("the other has the rest", () => second.in(1).at(-1) === 29);
      const got = second.in(1);
      assert.ok(got.length >= 20, "acked or not, the unsettled ones are there");
      assert.deepEqual(got, numbers(30).slice(30 - got.length), "in order, from the head");
      assert.ok(first.lost.includes(1));
      for (const delivery of first.deliveries) delivery.ack();
      proxy.allow();
      await eventually("back as a standby", () => frail.state === "connected");
    });

    it("finishes a hand-over that its connection dies in the middle of, and works on", async () => {
      const bus = await createBus({ url: proxy.via(amqpUrl) });
      await bus.declare(topology);
      const got = collector();
      const consumption = await bus.consumeMailboxes(mailbox, got.handlers);
      await bus.publish(poke(0));
      await eventually("delivered", () => got.deliveries.length === 1);
      proxy.stall();
      const handedOver = consumption.handOver(1, async () => undefined);
      // RabbitMQ never gets the request to close the channel.
      await sleep(100);
      proxy.resume();
      proxy.cut();
      await handedOver;
      await eventually("delivered again", () => got.deliveries.length >= 2);
      assert.deepEqual(got.numbers(), [0, 0]);
      got.deliveries.at(-1)?.ack();
    });

    it("stops although its connection dies meanwhile", async () => {
      const bus = await createBus({ url: proxy.via(amqpUrl) });
      await bus.declare(topology);
      const mailboxes = await bus.consumeMailboxes(mailbox, counter().handlers);
      const worker = await bus.consumeWorker(jobs, async () => undefined);
      proxy.stall();
      const stopped = Promise.all([mailboxes, worker].map((it) => it.stop(async () => undefined)));
      await sleep(100);
      proxy.refuse();
      await stopped;
    });

    it("ends a declaration that the connection dies at the end of", async () => {
      const model = await connect(proxy.via(amqpUrl));
      model.on("error", () => undefined);
      const dying = standIn<ChannelModel>({
        async createChannel() {
          const channel = await model.createChannel();
          const close = channel.close.bind(channel);
          channel.close = () => {
            proxy.stall();
            const closed = close();
            setTimeout(() => proxy.cut(), 50);
            return closed;
          };
          return channel;
        },
      });
      // The first channels may be done before the cut. The others are not.
      await assert.rejects(declareTopology(dying, broker.prefix, topology), {
        name: "IllegalOperationError",
      });
    });

    it("goes to another address when its own is gone, and back when that is gone", async () => {
      const other = await tcpProxy(amqpUrl);
      try {
        other.refuse();
        const bus = await createBus({ url: `${proxy.via(amqpUrl)},${other.via(amqpUrl)}` });
        await bus.declare(topology);
        const got = counter();
        await bus.consumeMailboxes(mailbox, got.handlers);
        await bus.publish(poke(0));
        await eventually("delivered over the one", () => got.in(1).includes(0));
        for (const [n, from, to] of [
          [1, proxy, other],
          [2, other, proxy],
        ] as const) {
          to.allow();
          from.refuse();
          await eventually(
            "connected over the other",
            () => bus.state === "connected" && to.connections >= 2,
          );
          await eventually("published again", () => bus.publish(poke(n)).then(() => true));
          await eventually("delivered again", () => got.in(1).includes(n));
          assert.equal(from.connections, 0);
        }
      } finally {
        await Promise.all(buses.splice(0).map((bus) => bus.close()));
        await other.close();
      }
    });

    it("slows publishers while RabbitMQ blocks them", async () => {
      const bus = await createBus({ url: proxy.via(amqpUrl) });
      await bus.declare(topology);
      proxy.inject(blockedFrame);
      await eventually("blocked", () => bus.state === "blocked");
      let done = false;
      const sent = bus.publish(poke(1)).then(() => {
        done = true;
      });
      await sleep(100);
      assert.equal(done, false);
      assert.equal(bus.stats.published, 0);
      proxy.inject(unblockedFrame);
      await sent;
      assert.equal(bus.stats.blocked, 1);
    });

    it("waits for RabbitMQ at the start, says so, and connects when it comes", async () => {
      proxy.refuse();
      const creating = createBus({ url: proxy.via(amqpUrl) });
      await eventually("it says what it waits for", () =>
        log.lines.some(
          (it) => it.level === "warn" && it.message.startsWith("waiting for RabbitMQ at 127.0.0.1:"),
        ),
      );
      proxy.allow();
      const bus = await creating;
      assert.equal(bus.state, "connected");
      assert.ok(!log.lines.some((it) => it.message.includes("guest")), "no credentials in the log");
    });

    it("stops waiting for RabbitMQ when told to", async () => {
      proxy.refuse();
      const giveUp = new AbortController();
      const creating = createAmqpBus({
        url: proxy.via(amqpUrl),
        prefix: broker.prefix,
        name: "test",
        log,
        signal: giveUp.signal,
      });
      giveUp.abort();
      await assert.rejects(creating, BusUnavailableError);
    });

    it("stops cleanly while RabbitMQ is away", async () => {
      const bus = await createBus({ url: proxy.via(amqpUrl) });
      await bus.declare(topology);
      await bus.consumeWorker(jobs, async () => undefined);
      const consumption = await bus.consumeMailboxes(mailbox, counter().handlers);
      proxy.refuse();
      await eventually("noticed", () => bus.state === "connecting");
      await consumption.stop(async () => undefined);
      await bus.close();
      assert.equal(bus.state, "closed");
    });
  });

  it("stops while RabbitMQ is silent, and leaves no connection behind", async () => {
    await open();
    const proxy = await tcpProxy(amqpUrl);
    try {
      const bus = await createBus({ url: proxy.via(amqpUrl) });
      await bus.declare(topology);
      proxy.stall();
      await bus.close();
      proxy.resume();
      await eventually("no connections", () => proxy.connections === 0);
    } finally {
      await close();
      await proxy.close();
    }
  });

  it("refuses a message that is too large, without harm to others in flight", async () => {
    await open();
    try {
      const bus = await createBus();
      await bus.declare(topology);
      const large = testMessage("bustest.poke", "x", { n: 1, pad: "x".repeat(9 * 1024 * 1024) });
      const long = testMessage("bustest.poke", "x", { n: 1 }, "i".repeat(300));
      const outcomes = await Promise.allSettled([
        bus.publish(poke(0)),
        bus.publish(large),
        bus.publish(long),
        bus.publish(poke(1)),
      ]);
      assert.deepEqual(
        outcomes.map((it) => it.status),
        ["fulfilled", "rejected", "rejected", "fulfilled"],
      );
    } finally {
      await close();
    }
  });

  describe("and its queues", () => {
    beforeEach(open);
    afterEach(close);

    it("are declared by several nodes at once, and again", async () => {
      const nodes = await Promise.all(numbers(4).map(() => createBus()));
      await Promise.all(nodes.map((bus) => bus.declare(topology)));
      await nodes[0]!.declare(topology);
      const channel = await broker.channel();
      for (const name of ["bustestcounter.0", "bustestcounter.3", "bustest.jobs", "bustest.jobs.dead"])
        await channel.checkQueue(queueName(broker.prefix, name));
    });

    it("are named when they exist with other arguments", async () => {
      const channel = await broker.channel();
      await channel.assertQueue(queueName(broker.prefix, "bustest.jobs"), { durable: true });
      const bus = await createBus();
      await assert.rejects(bus.declare(topology), {
        name: "TopologyError",
        message: new RegExp(`${broker.prefix}\\.bustest\\.jobs .*exists with other arguments`),
      });
    });

    it("tell the publisher of the very message that none takes, and are declared again", async () => {
      const bus = await createBus();
      await bus.declare(topology);
      const channel = await broker.channel();
      await channel.deleteQueue(queueName(broker.prefix, "bustestcounter.1"));
      const outcomes = await Promise.allSettled(
        numbers(40).map((n) => bus.publish(poke(n, n % 2 === 0 ? 1 : 2))),
      );
      for (const [n, it] of outcomes.entries()) {
        assert.equal(it.status, n % 2 === 0 ? "rejected" : "fulfilled");
        if (it.status === "rejected") assert.ok(it.reason instanceof UnroutableError);
      }
      assert.equal(bus.stats.returned, 20);
      await eventually("healed", () => bus.publish(poke(41)).then(() => true));
    });

    it("tell both when one message is under way twice and no queue takes it", async () => {
      const bus = await createBus();
      await bus.declare(topology);
      const channel = await broker.channel();
      await channel.deleteQueue(queueName(broker.prefix, "bustestcounter.1"));
      const twice = poke(1);
      const outcomes = await Promise.allSettled([bus.publish(twice), bus.publish(twice)]);
      assert.deepEqual(
        outcomes.map((it) => it.status),
        ["rejected", "rejected"],
      );
    });

    it("are consumed again after they were deleted under a consumer", async () => {
      const bus = await createBus();
      await bus.declare(topology);
      const got = counter();
      await bus.consumeMailboxes(mailbox, got.handlers);
      const channel = await broker.channel();
      await channel.deleteQueue(queueName(broker.prefix, "bustestcounter.1"));
      await eventually("consumed again", async () => {
        const { consumerCount } = await (await broker.channel()).checkQueue(
          queueName(broker.prefix, "bustestcounter.1"),
        );
        return consumerCount === 1;
      });
      await bus.publish(poke(1));
      await eventually("delivered", () => got.in(1).includes(1));
    });

    it("bury bytes that are no message at all, and the neighbours go on", async () => {
      const bus = await createBus();
      await bus.declare(topology);
      const done: string[] = [];
      await bus.consumeWorker(jobs, async (message) => void done.push(message.id));
      const channel = await broker.channel();
      for (const bytes of [Buffer.from("{not json"), Buffer.alloc(0), Buffer.from([0xff, 0xfe])])
        channel.publish(exchangeName(broker.prefix), "bustest.work.0", bytes, { persistent: true });
      const message = testMessage("bustest.work", "x", { n: 1 });
      await bus.publish(message);
      await eventually("the neighbour", () => done.includes(message.id));
      const buried = await eventually("buried", async () => {
        const found = await broker.buried("bustest.jobs");
        return found.length === 3 && found;
      });
      for (const it of buried) assert.equal(it.errorName, "SyntaxError");
    });

    it("send a message that RabbitMQ itself gives up to the dead queue", async () => {
      const bus = await createBus();
      await bus.declare(topology);
      const message = testMessage("bustest.work", "x", { n: 1 });
      await bus.publish(message);
      const channel = await broker.channel();
      const got = await channel.get(queueName(broker.prefix, "bustest.jobs"));
      assert.ok(got);
      channel.reject(got, false);
      const [buried] = await eventually("buried", async () => {
        const found = await broker.buried("bustest.jobs");
        return found.length > 0 && found;
      });
      assert.equal(buried?.id, message.id);
    });

    it("are durable quorum queues with all that keeps messages safe", async () => {
      const bus = await createBus();
      await bus.declare(topology);
      const same = {
        durable: true,
        arguments: {
          "x-queue-type": "quorum",
          "x-single-active-consumer": true,
          "x-delivery-limit": 200,
          "x-consumer-disconnected-timeout": 1_000,
          "x-dead-letter-exchange": deadExchangeName(broker.prefix),
          "x-dead-letter-routing-key": queueName(broker.prefix, "bustestcounter.0"),
          "x-dead-letter-strategy": "at-least-once",
          "x-overflow": "reject-publish",
        },
      };
      const queue = queueName(broker.prefix, "bustestcounter.0");
      await (await broker.channel()).assertQueue(queue, same);
      for (const key of Object.keys(same.arguments) as (keyof typeof same.arguments)[]) {
        // RabbitMQ 3.10 does not compare these.
        if (key === "x-dead-letter-strategy" || key === "x-consumer-disconnected-timeout") continue;
        const { [key]: _left, ...rest } = same.arguments;
        const channel = await broker.channel();
        await assert.rejects(
          channel.assertQueue(queue, { durable: true, arguments: rest }),
          /406|PRECONDITION/,
          key,
        );
      }
    });
  });
});

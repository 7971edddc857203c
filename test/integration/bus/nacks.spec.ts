import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type ChannelModel, connect } from "amqplib";
import { AmqpLink } from "../../../broker/bus/amqp/connection.ts";
import { Publisher } from "../../../broker/bus/amqp/publisher.ts";
import { BusUnavailableError, newStats } from "../../../broker/bus/bus.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { systemClock } from "../../../broker/resilience/clock.ts";
import { RateLimitedLog } from "../../../broker/resilience/rate-limited-log.ts";
import { silentLog } from "../../../broker/resilience/silent-log.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { amqpUrl } from "../../support/bus/amqp-broker.ts";

const WINDOW = 20;
const SENDERS = 40;
/** At least half of the waits: 50, 100, 200, 400 ms, then every 500 ms. */
const MOST_IN_A_SECOND = 6;

describe("A publisher whose messages RabbitMQ nacks", function () {
  this.timeout(20_000);
  const stats = newStats();
  let link: AmqpLink;
  let publisher: Publisher;
  let observer: ChannelModel;
  let opened = 0;
  /** Accepts everything. */
  const open = `nacks-${newId()}`;
  /** Has room for one message, and nacks further ones. */
  const full = `nacks-${newId()}`;

  before(async () => {
    observer = await connect(amqpUrl);
    const channel = await observer.createChannel();
    await channel.assertQueue(open, { arguments: { "x-queue-type": "quorum" } });
    await channel.assertQueue(full, {
      arguments: { "x-queue-type": "quorum", "x-max-length": 1, "x-overflow": "reject-publish" },
    });
    const limitedLog = new RateLimitedLog(silentLog, systemClock);
    const shared = { log: silentLog, limitedLog };
    link = new AmqpLink({
      ...shared,
      url: amqpUrl,
      name: "nacks",
      heartbeatSeconds: 5,
      reconnected: () => undefined,
    });
    link.use({
      up(model) {
        const create = model.createConfirmChannel.bind(model);
        model.createConfirmChannel = () => {
          opened++;
          return create();
        };
      },
      down: () => undefined,
    });
    publisher = new Publisher({ ...shared, link, window: WINDOW, stats, unroutable: () => undefined });
    await link.start();
    await publisher.ready;
  });
  after(async () => {
    await publisher?.close(1_000);
    await link?.close();
    const channel = await observer.createChannel();
    for (const it of [open, full]) await channel.deleteQueue(it);
    await observer.close();
  });

  const publish = (queue: string, n: number) => publisher.publish("", queue, Buffer.from(String(n)), newId());
  /** What is in the queue, in its order; there are at least `count`. */
  const taken = async (queue: string, count: number): Promise<number[]> => {
    const channel = await observer.createChannel();
    const found: number[] = [];
    await channel.consume(queue, (it) => void found.push(Number(it?.content)), { noAck: true });
    await eventually("all have come", () => found.length >= count);
    await channel.close();
    return found;
  };

  it("opens another channel, loses nothing that is in flight and keeps the order", async () => {
    // RabbitMQ refuses once it has noticed that the queue is full, so a few more may be accepted.
    await eventually("the queue is full", () =>
      publish(full, 0).then(
        () => false,
        () => true,
      ),
    );
    const before = opened;
    const confirmed: number[] = [];
    let stop = false;
    let next = 0;
    const nacks = (async () => {
      while (!stop) {
        await assert.rejects(publish(full, -1), BusUnavailableError);
        await sleep(5);
      }
    })();
    const started = performance.now();
    const senders = Array.from({ length: SENDERS }, async () => {
      while (!stop) {
        const n = next++;
        await publish(open, n);
        confirmed.push(n);
        await sleep(10);
      }
    });
    await eventually("it has changed its channel several times", () => opened - before >= 5);
    await sleep(1_000);
    stop = true;
    await Promise.all([nacks, ...senders]);

    const seconds = (performance.now() - started) / 1_000;
    assert.ok(opened - before <= MOST_IN_A_SECOND * Math.ceil(seconds), `${opened - before} in ${seconds} s`);
    assert.equal(confirmed.length, next, "no message to another queue failed");
    const came = await taken(open, next);
    assert.deepEqual(
      came,
      Array.from({ length: next }, (_, n) => n),
      "each once, in order",
    );
    assert.ok(
      (await taken(full, 1)).every((n) => n === 0),
      "what is nacked is not in the queue",
    );
  });

  it("goes on with that queue when it takes messages again", async () => {
    await eventually("it is confirmed", () =>
      publish(full, 7).then(
        () => true,
        () => false,
      ),
    );
    assert.deepEqual(await taken(full, 1), [7]);
  });
});

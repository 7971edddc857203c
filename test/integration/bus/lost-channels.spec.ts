import assert from "node:assert/strict";
import { type ChannelModel, type ConfirmChannel, connect } from "amqplib";
import { AmqpLink } from "../../../broker/bus/amqp/connection.ts";
import { Publisher } from "../../../broker/bus/amqp/publisher.ts";
import { type BusStats, BusUnavailableError, newStats } from "../../../broker/bus/bus.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { systemClock } from "../../../broker/resilience/clock.ts";
import { RateLimitedLog } from "../../../broker/resilience/rate-limited-log.ts";
import { silentLog } from "../../../broker/resilience/silent-log.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { amqpUrl } from "../../support/bus/amqp-broker.ts";
import { blockedFrame, unblockedFrame } from "../../support/bus/amqp-frames.ts";
import { type TcpProxy, tcpProxy } from "../../support/servers/tcp-proxy.ts";

const WINDOW = 20;
/** More than the stack would permit as nested calls. */
const WAITING = 20_000;

describe("A publisher whose channel is lost", function () {
  this.timeout(20_000);
  const queue = `lost-channels-${newId()}`;
  let proxy: TcpProxy;
  let observer: ChannelModel;
  let link: AmqpLink;
  let publisher: Publisher;
  let stats: BusStats;
  /** The channel that it publishes on. */
  let channel: ConfirmChannel;
  /** Awaited before each channel is opened. */
  let mayOpen: Promise<void>;

  before(async () => {
    observer = await connect(amqpUrl);
  });
  after(() => observer.close());

  beforeEach(async () => {
    await (await observer.createChannel()).assertQueue(queue, { arguments: { "x-queue-type": "quorum" } });
    proxy = await tcpProxy(amqpUrl);
    mayOpen = Promise.resolve();
    stats = newStats();
    const shared = { log: silentLog, limitedLog: new RateLimitedLog(silentLog, systemClock) };
    link = new AmqpLink({
      ...shared,
      url: proxy.via(amqpUrl),
      name: "lost-channels",
      heartbeatSeconds: 5,
      reconnected: () => undefined,
    });
    link.use({
      up(model) {
        const create = model.createConfirmChannel.bind(model);
        model.createConfirmChannel = async () => {
          await mayOpen;
          channel = await create();
          return channel;
        };
      },
      down: () => undefined,
    });
    publisher = new Publisher({ ...shared, link, window: WINDOW, stats, unroutable: () => undefined });
    await link.start();
    await publisher.ready;
  });
  afterEach(async () => {
    await publisher.close(1_000);
    await link.close();
    await proxy.close();
    await (await observer.createChannel()).deleteQueue(queue);
  });

  const publish = (n: number) => publisher.publish("", queue, Buffer.from(String(n)), newId());
  /** RabbitMQ closes the channel over this one. */
  const poison = () => publisher.publish(`none-${newId()}`, "", Buffer.from("x"), newId());
  const sendAll = (numbers: readonly number[]) =>
    Promise.all(
      numbers.map((n) =>
        publish(n).then(
          () => undefined,
          (error) => {
            assert.ok(error instanceof BusUnavailableError, String(error));
            return n;
          },
        ),
      ),
    );
  const all = Array.from({ length: WAITING }, (_, n) => n);
  const back = () => eventually("it can publish", () => publisher.state === "connected");

  it("refuses thousands that wait without sending them, and delivers all that come again", async () => {
    const poisoned = assert.rejects(poison(), BusUnavailableError);
    const refused = (await sendAll(all)).filter((n) => n !== undefined);
    await poisoned;
    assert.deepEqual(refused, all);
    assert.deepEqual([stats.published, stats.confirmed, stats.nacked], [WINDOW, 0, WINDOW]);
    await back();
    const again = await sendAll(refused);
    assert.ok(again.every((n) => n === undefined));
    assert.equal(stats.nacked, WINDOW);
    const { messageCount } = await (await observer.createChannel()).checkQueue(queue);
    assert.equal(messageCount, WAITING);
  });

  it("sends one message at most on a channel that is being closed", async () => {
    proxy.inject(blockedFrame);
    await eventually("it is told to wait", () => stats.blocked === 1);
    const sent = sendAll(all);
    proxy.stall();
    const closed = channel.close();
    proxy.inject(unblockedFrame);
    const refused = (await sent).filter((n) => n !== undefined);
    proxy.resume();
    assert.deepEqual(refused, all);
    assert.deepEqual([stats.published, stats.nacked], [1, 1]);
    await closed;
    await back();
    await publish(0);
    assert.equal(stats.confirmed, 1);
  });

  it("is not held back by what the connection before was told", async () => {
    const opening = Promise.withResolvers<void>();
    mayOpen = opening.promise;
    await assert.rejects(poison(), BusUnavailableError);
    proxy.inject(blockedFrame);
    await eventually("it is told to wait", () => stats.blocked === 1);
    const { model } = link;
    proxy.cut();
    await eventually("another connection is there", () => link.model !== undefined && link.model !== model);
    opening.resolve();
    await back();
    await publish(0);
  });
});

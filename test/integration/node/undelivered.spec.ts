import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type Channel, type ChannelModel, connect } from "amqplib";
import {
  exchangeName,
  mailboxName,
  partitionOf,
  queueName,
  routingKey,
} from "../../../broker/bus/topology.ts";
import { DEFAULT_PARTITIONS } from "../../../broker/contract/contract.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import {
  firstAdmin,
  orderBecomes,
  orderCart,
  putInCart,
  putOnSale,
  signUp,
  stockBecomes,
} from "../../../souk/testing/people.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";
import { deleteQueues } from "../../support/rabbit/rabbit-cleanup.ts";

const AMQP_URL = process.env.AMQP_URL ?? "amqp://guest:guest@127.0.0.1:5672";
const UNITS = 10;

describe("A message that RabbitMQ does not take", function () {
  this.timeout(60_000);
  const prefix = `test-${randomUUID().slice(0, 8)}`;
  const sku = `SKU-${newId()}`;
  const partition = partitionOf(sku, DEFAULT_PARTITIONS);
  const key = routingKey("stock.reserve", partition);
  let shop: Shop;
  let rabbit: ChannelModel;
  let channel: Channel;

  before(async () => {
    rabbit = await connect(AMQP_URL);
    channel = await rabbit.createChannel();
    shop = await startShop({
      env: { AMQP_URL, AMQP_PREFIX: prefix, TRANSPORTER: "Fake", LOG_LEVEL: "fatal", NODE_ID: "only" },
    });
    await putOnSale(await firstAdmin(shop.http), { sku, onHand: UNITS });
  });
  after(async () => {
    await shop?.stop();
    await deleteQueues(AMQP_URL, prefix);
    await rabbit?.close();
  });

  const counted = async (counter: string): Promise<number> => {
    const body = shop.node.runtime.operations.metrics();
    const found = new RegExp(`^souk_bus_${counter}_total (\\d+)$`, "m").exec(body);
    return Number(found?.[1] ?? assert.fail(`no ${counter} in ${body}`));
  };
  const outboxOf = async (id: string): Promise<string[]> => {
    const orders = shop.node.runtime.database("orders").collection<{
      _id: string;
      outbox: { message: { type: string } }[];
    }>("orders");
    return (await orders.findOne({ _id: id }))?.outbox.map((it) => it.message.type) ?? [];
  };
  const place = async () => {
    const buyer = await signUp(shop.http);
    await putInCart(buyer, sku);
    const { status, body } = await orderCart(buyer, newId(), 0);
    assert.equal(status, 201);
    return { buyer, id: body.id };
  };

  it("stays in the outbox while it is nacked, is counted, and takes effect once when it is taken", async () => {
    assert.equal(await counted("nacked"), 0);
    // What one of its queues refuses is nacked, although the mailbox has it. So it arrives there repeatedly.
    const refusing = `${prefix}.refusing`;
    await channel.assertQueue(refusing, {
      durable: true,
      arguments: { "x-max-length": 0, "x-overflow": "reject-publish" },
    });
    await channel.bindQueue(refusing, exchangeName(prefix), key);
    const { buyer, id } = await place();
    await eventually("it is nacked more than once", async () => (await counted("nacked")) > 1);
    assert.ok((await outboxOf(id)).includes("stock.reserve"));
    await channel.deleteQueue(refusing);
    await orderBecomes(buyer, id, "awaiting_payment");
    await eventually("the outbox is empty", async () => (await outboxOf(id)).length === 0);
    await stockBecomes(shop.http, sku, { onHand: UNITS, held: 1, available: UNITS - 1 });
  });

  it("is counted when no queue takes it, and goes on when the binding is back", async () => {
    const before = await counted("returned");
    await channel.unbindQueue(queueName(prefix, mailboxName("stock", partition)), exchangeName(prefix), key);
    const { buyer, id } = await place();
    await eventually("it came back", async () => (await counted("returned")) > before);
    await orderBecomes(buyer, id, "awaiting_payment");
    await eventually("the outbox is empty", async () => (await outboxOf(id)).length === 0);
    await stockBecomes(shop.http, sku, { onHand: UNITS, held: 2, available: UNITS - 2 });
  });
});

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type ChannelModel, connect } from "amqplib";
import { deadQueueName, mailboxName, partitionOf, queueName } from "../../broker/bus/topology.ts";
import { DEFAULT_PARTITIONS } from "../../broker/contract/contract.ts";
import { newId } from "../../broker/contract/ids.ts";
import type { OrderView } from "../../services/orders/orders.contract.ts";
import { eventually } from "../../souk/testing/eventually.ts";
import {
  decide,
  firstAdmin,
  order,
  orderBecomes,
  orderCart,
  type Person,
  payPage,
  putInCart,
  putOnSale,
  signUp,
  stockBecomes,
  stockOf,
} from "../../souk/testing/people.ts";
import { type Shop, startShop } from "../../souk/testing/start-shop.ts";
import { deleteQueues } from "../support/rabbit/rabbit-cleanup.ts";
import { runScript } from "../support/scripts/run-script.ts";

const AMQP_URL = process.env.AMQP_URL ?? "amqp://guest:guest@127.0.0.1:5672";
const UNITS = 10;

/** SKUs whose stock items share a mailbox. */
function neighbours(): [string, string] {
  const first = `SKU-${newId()}`;
  for (;;) {
    const second = `SKU-${newId()}`;
    if (partitionOf(second, DEFAULT_PARTITIONS) === partitionOf(first, DEFAULT_PARTITIONS))
      return [first, second];
  }
}

describe("A message that fails for its own cause, on a running shop over RabbitMQ", function () {
  this.timeout(60_000);
  const prefix = `test-${randomUUID().slice(0, 8)}`;
  const [broken, healthy] = neighbours();
  const mailbox = mailboxName("stock", partitionOf(broken, DEFAULT_PARTITIONS));
  const deadQueue = deadQueueName(queueName(prefix, mailbox));
  let shop: Shop;
  let rabbit: ChannelModel;
  let buyer: Person;
  let placed: OrderView;

  before(async () => {
    rabbit = await connect(AMQP_URL);
    // One process: its calls stay inside.
    shop = await startShop({
      env: { AMQP_URL, AMQP_PREFIX: prefix, TRANSPORTER: "Fake", LOG_LEVEL: "fatal" },
    });
    const admin = await firstAdmin(shop.http);
    for (const sku of [broken, healthy]) await putOnSale(admin, { sku, onHand: UNITS });
    buyer = await signUp(shop.http);
  });
  after(async () => {
    await shop?.stop();
    await deleteQueues(AMQP_URL, prefix);
    await rabbit?.close();
  });

  /** Writes into the stock item directly, past everything that guards it. */
  const setHolds = (holds: object | null) =>
    shop.node.runtime
      .database("inventory")
      .collection<{ _id: string }>("stock")
      .updateOne({ _id: broken }, { $set: { "state.holds": holds }, $inc: { version: 1 } });

  /** `npm run dlq -- …` as a process of its own. */
  const dlq = (args: readonly string[], preload: readonly string[] = []) =>
    runScript("dlq", args, { AMQP_URL, AMQP_PREFIX: prefix }, preload);
  const succeeds = async (...args: string[]): Promise<string> => {
    const { code, output } = await dlq(args);
    assert.equal(code, 0, output);
    return output;
  };
  const messagesIn = async (queue: string): Promise<number> => {
    const channel = await rabbit.createChannel();
    const { messageCount } = await channel.checkQueue(queue);
    await channel.close();
    return messageCount;
  };
  const deadBecome = (count: number) =>
    eventually(`${count} in the dead queue`, async () => (await messagesIn(deadQueue)) === count, 20_000);

  it("goes to the dead queue after five tries, with error and stack; its mailbox goes on meanwhile", async () => {
    await setHolds(null);
    await putInCart(buyer, broken, 2);
    const reply = await orderCart(buyer, newId(), 0);
    assert.equal(reply.status, 201);
    placed = reply.body;
    assert.equal(placed.status, "placed");
    const other = await order(await signUp(shop.http), healthy);
    assert.equal(other.status, "awaiting_payment");
    await deadBecome(1);

    const channel = await rabbit.createChannel();
    const dead = await channel.get(deadQueue);
    // It goes back.
    await channel.close();
    assert.ok(dead);
    const headers = dead.properties.headers ?? {};
    assert.equal(headers["souk-error-name"], "Error");
    assert.match(headers["souk-error-message"], /^the stored state of stock .* does not fit its schema$/);
    assert.match(headers["souk-error-stack"], /\n +at .*processor\.ts/);
    assert.equal(headers["souk-attempts"], 5);
    assert.equal(headers["souk-queue"], queueName(prefix, mailbox));
    assert.equal(JSON.parse(dead.content.toString()).subject, broken);
    await order(await signUp(shop.http), healthy);
  });

  it("is listed and shown, and comes back while its cause is there", async () => {
    await deadBecome(1);
    assert.match(await succeeds("list"), new RegExp(`^ +1 {2}${mailbox}$`, "m"));
    const shown = await succeeds("show", mailbox);
    assert.match(shown, /after 5 tries/);
    assert.match(shown, /Error: the stored state of stock .* does not fit its schema/);
    assert.match(shown, /^ +at .*processor\.ts/m);
    assert.match(shown, new RegExp(`"orderId":"${placed.id}"`));
    assert.match(await succeeds("replay", mailbox), /^1 sent to stock/);
    await deadBecome(1);
  });

  it("takes effect once when replayed, also when the replay dies before its ack and is done again", async () => {
    await setHolds({});
    const killed = await dlq(["replay", mailbox], ["./test/support/rabbit/kill-before-ack.mjs"]);
    assert.equal(killed.signal, "SIGKILL", killed.output);
    const payable = await orderBecomes(buyer, placed.id, "awaiting_payment");
    await deadBecome(1);
    assert.match(await succeeds("replay", mailbox), /^1 sent to stock/);
    await deadBecome(0);
    await eventually(
      "the mailbox is empty",
      async () => (await messagesIn(queueName(prefix, mailbox))) === 0,
    );
    const held = { onHand: UNITS, held: 2, available: UNITS - 2 };
    await stockBecomes(shop.http, broken, held);

    const ready = await eventually("it can be paid", async () => {
      const now = await buyer.http.expect<OrderView>(200, "GET", `/orders/${payable.id}`);
      return now.payment?.nextAction != null && now;
    });
    assert.equal((await decide(shop.http, payPage(ready), { outcome: "succeed" })).status, 202);
    await orderBecomes(buyer, placed.id, "paid");
    await stockBecomes(shop.http, broken, { onHand: UNITS - 2, held: 0, available: UNITS - 2 });
  });

  it("is no message at all: shown, and dropped for good", async () => {
    const channel = await rabbit.createConfirmChannel();
    channel.sendToQueue(queueName(prefix, mailbox), Buffer.from("{poison"), { messageId: "poison-1" });
    await channel.waitForConfirms();
    await channel.close();
    await deadBecome(1);
    assert.match(await succeeds("show", mailbox), /^poison-1 .*\n {2}SyntaxError: /);
    assert.match(await succeeds("drop", mailbox, "another"), /^0 dropped/);
    assert.match(await succeeds("drop", mailbox, "poison-1"), /^1 dropped/);
    assert.match(await succeeds("list"), /no dead messages/);
    assert.deepEqual(await stockOf(shop.http, broken), { onHand: UNITS - 2, held: 0, available: UNITS - 2 });
  });

  it("is refused with a clear line where there is no such queue", async () => {
    const { code, output } = await dlq(["show", "nonsense"]);
    assert.equal(code, 1);
    assert.match(output, /^there is no queue nonsense/);
  });
});

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type EmbeddedMongo, startEmbeddedMongo } from "@souk/embedded-mongo";
import { createAmqpBus } from "../../../broker/bus/amqp/amqp-bus.ts";
import { BusUnavailableError } from "../../../broker/bus/bus.ts";
import { amqpDeadQueues } from "../../../broker/bus/dead-queues.ts";
import { topologyOf } from "../../../broker/bus/topology.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { serviceNames } from "../../../broker/moleculer/extension.ts";
import core from "../../../services/index.ts";
import type { OrderView } from "../../../services/orders/orders.contract.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import type { Reply } from "../../../souk/testing/http-client.ts";
import {
  decide,
  firstAdmin,
  orderCart,
  type Person,
  payPage,
  putOnSale,
  signUp,
  stockOf,
} from "../../../souk/testing/people.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";
import { counter, subjectIn } from "../../support/bus/bus-conformance.ts";
import { busContract, mailbox, testMessage } from "../../support/bus/bus-contract.ts";
import { quietLog } from "../../support/quiet-log.ts";
import { type RabbitCluster, startRabbitCluster } from "../../support/rabbit/rabbit-cluster.ts";
import { rabbitBinary } from "../../support/servers/servers.ts";

const NODES = 3;
const UNITS = 1_000;
const BUYERS = 4;
/** From the loss of the leader to the first order that was placed and paid after it. */
const BACK_WITHIN_MS = 20_000;
/**
 * The sandbox's report of a payment may have failed. Another try is made when its claim has expired, after a minute.
 */
const TIMEOUT_MS = 90_000;

interface ListedQueue {
  name: string;
  leader: string;
  members: string[];
  messages: number;
}

describe("A cluster of three RabbitMQ nodes that loses the leader of the queues", function () {
  this.timeout(240_000);
  let dir: string;
  let rabbit: RabbitCluster;
  let url: string;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "souk-rabbits-"));
    rabbit = await startRabbitCluster(
      rabbitBinary(() => undefined),
      dir,
      NODES,
    );
    url = rabbit.urls.join(",");
  });
  after(async () => {
    await rabbit?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const queues = async (prefix: string, asked: number): Promise<ListedQueue[]> => {
    const listed = await rabbit.ctl(
      asked,
      ...["list_queues", "name", "leader", "members", "messages", "--formatter", "json"],
    );
    return (JSON.parse(listed) as ListedQueue[]).filter((it) => it.name.startsWith(`${prefix}.`));
  };
  /** The node that leads most of the queues. All queues have a replica on each node. */
  const leaderOf = async (prefix: string): Promise<number> => {
    const found = await queues(prefix, 0);
    assert.ok(found.length > 0);
    for (const it of found) assert.equal(it.members.length, NODES, it.name);
    const led = rabbit.names.map((name) => found.filter((it) => it.leader === name).length);
    return led.indexOf(Math.max(...led));
  };
  const other = (node: number) => (node + 1) % NODES;
  const rejoined = async (node: number) => {
    await rabbit.start(node);
    await eventually(
      "it is part of the cluster again",
      async () => (await rabbit.running(other(node))).length === NODES,
    );
  };

  it("loses no confirmed message and brings them in order; the node joins again", async () => {
    const bus = await createAmqpBus({ url, prefix: "fall", name: "test", log: quietLog(), window: 100 });
    try {
      await bus.declare(topologyOf([busContract]));
      const got = counter();
      await bus.consumeMailboxes(mailbox, got.handlers);
      const subject = subjectIn(1);
      const confirmed: number[] = [];
      let refused = 0;
      let stop = false;
      let next = 0;
      const senders = Array.from({ length: 20 }, async () => {
        while (!stop) {
          const n = next++;
          try {
            await bus.publish(testMessage("bustest.poke", subject, { n }));
            confirmed.push(n);
          } catch (error) {
            if (!(error instanceof BusUnavailableError)) throw error;
            refused++;
            await sleep(20);
          }
        }
      });
      await eventually("messages flow", () => confirmed.length > 500);
      const leader = await leaderOf("fall");
      await rabbit.kill(leader);
      const before = next;
      await eventually("messages flow again", () => confirmed.filter((n) => n > before).length > 500, 15_000);
      const back = rejoined(leader);
      stop = true;
      await Promise.all(senders);
      await eventually("all that was confirmed has come", () => {
        const came = new Set(got.in(1));
        return confirmed.every((n) => came.has(n));
      });
      const firsts = [...new Set(got.in(1))];
      assert.deepEqual(
        firsts,
        [...firsts].sort((a, b) => a - b),
        "in order",
      );
      // Without a gap, except for messages whose failure the sender knows.
      assert.ok(next - firsts.length <= refused, `${next} sent, ${firsts.length} came, ${refused} refused`);
      await back;
    } finally {
      await bus.close();
    }
  });

  describe("under a shop", () => {
    let mongo: EmbeddedMongo;
    let front: Shop;
    let back: Shop;

    before(async () => {
      mongo = await startEmbeddedMongo({ dir: join(dir, "mongo"), sync: "normal" });
      const env = {
        AMQP_URL: url,
        MONGO_URL: mongo.uri,
        NAMESPACE: "fall",
        LOG_LEVEL: "fatal",
        SHUTDOWN_TIMEOUT: "5s",
      };
      const behind = ["orders", "inventory"];
      back = await startShop({ env: { ...env, NODE_ID: "back" }, services: behind });
      const others = serviceNames(core).filter((it) => !behind.includes(it));
      front = await startShop({ env: { ...env, NODE_ID: "front" }, services: others });
      await front.node.broker.waitForServices(behind, 20_000, 100);
    });
    after(async () => {
      await front?.stop();
      await back?.stop();
      await mongo?.close();
    });

    /** Repeats until it is not told that something is away. */
    const insist = <T>(what: string, ask: () => Promise<Reply<T>>): Promise<Reply<T>> =>
      eventually(
        what,
        async () => {
          const reply = await ask();
          return reply.status !== 409 && reply.status !== 429 && reply.status < 500 && reply;
        },
        TIMEOUT_MS,
      );

    it("loses no order and no unit, and sells on soon", async () => {
      const { http } = front;
      const admin = await firstAdmin(http);
      const articles = [];
      for (let n = 0; n < 3; n++) articles.push(await putOnSale(admin, { onHand: UNITS }));
      const skus = articles.map((it) => it.sku);
      const paid: { order: OrderView; begunAt: number; doneAt: number }[] = [];
      let attempts = 0;
      let stop = false;

      const buy = async (buyer: Person, sku: string): Promise<void> => {
        const begunAt = performance.now();
        const key = newId();
        await insist("the cart takes it", () =>
          buyer.http.request("PUT", `/cart/items/${sku}`, { body: { quantity: 1 } }),
        );
        attempts++;
        const placed = await insist("the order is taken", () => orderCart(buyer, key, 1));
        assert.equal(placed.status, 201, JSON.stringify(placed.body));
        const payable = await eventually(
          "it can be paid",
          async () => {
            const { body } = await buyer.http.request<OrderView>("GET", `/orders/${placed.body.id}`);
            return body.status === "awaiting_payment" && body.payment?.nextAction != null && body;
          },
          TIMEOUT_MS,
        );
        await insist("it is paid", () => decide(http, payPage(payable), { outcome: "succeed" }));
        const order = await eventually(
          "the shop knows",
          async () => {
            const { body } = await buyer.http.request<OrderView>("GET", `/orders/${placed.body.id}`);
            return body.status === "paid" && body;
          },
          TIMEOUT_MS,
        );
        paid.push({ order, begunAt, doneAt: performance.now() });
        await eventually(
          "it has left the cart",
          async () =>
            (await buyer.http.request<{ lines: unknown[] }>("GET", "/cart")).body.lines?.length === 0,
          TIMEOUT_MS,
        );
      };
      const shopping = Promise.all(
        Array.from({ length: BUYERS }, async (_, n) => {
          const buyer = await signUp(http);
          for (let at = n; !stop; at++) await buy(buyer, skus[at % skus.length] ?? "");
        }),
      );
      // Awaited at the end; a failure before that is told there.
      shopping.catch(() => undefined);

      await eventually("orders are paid", () => paid.length > 2 * BUYERS, 20_000);
      const leader = await leaderOf("souk");
      await rabbit.kill(leader);
      const killedAt = performance.now();
      const later = () => paid.filter((it) => it.begunAt > killedAt);
      await Promise.race([
        eventually("orders are placed and paid again", () => later().length > BUYERS, 60_000),
        shopping.then(() => assert.fail("the buyers left")),
      ]);
      const [first] = later();
      assert.ok(first && first.doneAt - killedAt < BACK_WITHIN_MS);
      await rejoined(leader);
      stop = true;
      await shopping;

      assert.equal(new Set(paid.map((it) => it.order.id)).size, attempts, "each attempt has one order");
      const all = await admin.http.expect<{ items: OrderView[] }>(200, "GET", "/orders?all=true&limit=100");
      if (attempts <= 100) assert.equal(all.items.length, attempts);
      for (const sku of skus) {
        const sold = paid.flatMap((it) => it.order.lines).filter((it) => it.sku === sku).length;
        await eventually(`${UNITS - sold} of ${sku} are left`, async () => {
          const onHand = UNITS - sold;
          assert.deepEqual(await stockOf(http, sku), { onHand, held: 0, available: onHand });
          return true;
        });
      }
      const dead = await amqpDeadQueues(url, "souk", topologyOf(core.contracts));
      assert.deepEqual(await dead.list(), []);
      await dead.close();
      await eventually("no message is left", async () =>
        (await queues("souk", leader)).every((it) => it.messages === 0),
      );
    });
  });
});

/**
 * A node of this version beside one of a newer version, over RabbitMQ, while customers buy. Then each of them alone.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedMongo } from "@souk/embedded-mongo";
import { connect as connectAmqp } from "amqplib";
import { MongoClient } from "mongodb";
import { deadQueueName, queueName, queuesOf, topologyOf } from "../../../broker/bus/topology.ts";
import core from "../../../services/index.ts";
import type { OrderView } from "../../../services/orders/orders.contract.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { freePort } from "../../../souk/testing/free-port.ts";
import { HttpClient } from "../../../souk/testing/http-client.ts";
import {
  decide,
  deliveryOf,
  firstAdmin,
  order,
  orderBecomes,
  type Person,
  payPage,
  putOnSale,
  signUp,
  stockBecomes,
} from "../../../souk/testing/people.ts";
import { BOOTSTRAP_TOKEN } from "../../../souk/testing/start-shop.ts";
import { deleteQueues } from "../../support/rabbit/rabbit-cleanup.ts";

const AMQP_URL = process.env.AMQP_URL ?? "amqp://guest:guest@127.0.0.1:5672";
const ON_HAND = 1_000;
const CUSTOMERS = 24;
const SCRIPTS = { present: "scripts/node.ts", newer: "test/support/scripts/newer/node.ts" };
type Version = keyof typeof SCRIPTS;

interface Running {
  port: number;
  child: ChildProcess;
  output(): string;
}

describe("Nodes of two versions", function () {
  this.timeout(240_000);
  const prefix = `test-${randomUUID().slice(0, 8)}`;
  const nodes = new Map<Version, Running>();
  let dir: string;
  let store: Awaited<ReturnType<typeof startEmbeddedMongo>>;
  let mongo: MongoClient;
  let front: Server;
  let url: string;
  let admin: Person;
  let sku: string;
  let customers: { person: Person; order: OrderView }[];
  /** Orders that the newer node had written before it left. */
  let noted: string[];

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "souk-mixed-"));
    store = await startEmbeddedMongo({ dir: join(dir, "mongo"), sync: "normal" });
    mongo = await new MongoClient(store.uri).connect();
    // Each connection goes to the next gateway in turn.
    let turn = 0;
    front = createServer((client) => {
      const ports = [...nodes.values()].map((it) => it.port);
      const server = connect(ports[turn++ % ports.length] ?? 1, "127.0.0.1");
      client.pipe(server).pipe(client);
      for (const [one, other] of [
        [client, server],
        [server, client],
      ] as const) {
        one.on("error", () => other.destroy());
        one.on("close", () => other.destroy());
      }
    }).listen(0, "127.0.0.1");
    await once(front, "listening");
    url = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
  });
  after(async () => {
    await Promise.all([...nodes.keys()].map(stop));
    await mongo?.close();
    await store?.close();
    front?.close();
    await deleteQueues(AMQP_URL, prefix);
    await rm(dir, { recursive: true, force: true });
  });

  async function start(version: Version): Promise<void> {
    const port = await freePort();
    let text = "";
    const child = spawn(process.execPath, ["--import", "./scripts/support/preload.mjs", SCRIPTS[version]], {
      env: {
        ...process.env,
        NODE_ENV: "test",
        NODE_ID: version,
        PORT: String(port),
        OPS_PORT: String(await freePort()),
        PUBLIC_URL: url,
        AMQP_URL,
        AMQP_PREFIX: prefix,
        NAMESPACE: prefix,
        TRANSPORTER: "",
        REDIS_URL: "",
        SERVICES: "",
        MONGO_URL: store.uri,
        DATA_DIR: join(dir, version),
        LOG_LEVEL: "warn",
        ACCESS_LOG: "off",
        RATE_LIMIT: "off",
        BOOTSTRAP_TOKEN,
        SANDBOX_WEBHOOK_SECRET: "a secret of the sandbox, long enough",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
    const running = { port, child, output: () => text };
    const isReady = async () => {
      if (child.exitCode !== null) throw new Error(`${version} ended: ${text}`);
      return (await fetch(`http://127.0.0.1:${port}/health/ready`)).ok;
    };
    await eventually(`${version} is ready`, isReady, 60_000).catch((error) => {
      child.kill("SIGKILL");
      throw new Error(`${version} does not start: ${text}`, { cause: error });
    });
    nodes.set(version, running);
  }

  async function stop(version: Version): Promise<void> {
    const { child } = nodes.get(version) ?? {};
    nodes.delete(version);
    if (!child || child.exitCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGTERM");
    await gone;
  }

  const orders = () =>
    mongo.db("souk_orders").collection<{
      _id: string;
      state: { newerNote?: unknown; total: object; attempts: object[]; history: object[]; status: string };
      outbox: unknown[];
    }>("orders");
  const some = (from: number, to: number) => customers.slice(from, to);
  const pay = async ({ person, order: placed }: { person: Person; order: OrderView }) => {
    const { status } = await decide(person.http, payPage(placed), { outcome: "succeed" });
    assert.equal(status, 202);
    await orderBecomes(person, placed.id, "paid");
  };
  const deliver = async ({ order: { id }, person }: { person: Person; order: OrderView }, status: string) => {
    const delivery = await deliveryOf(person, id);
    await admin.http.expect(200, "PATCH", `/deliveries/${delivery.id}`, { body: { status } });
  };
  const all = <T>(those: readonly T[], act: (it: T) => Promise<unknown>) => Promise.all(those.map(act));

  it("serve a shop together", async () => {
    await start("present");
    await start("newer");
    const http = new HttpClient(url);
    admin = await firstAdmin(http);
    ({ sku } = await putOnSale(admin, { onHand: ON_HAND }));
    customers = await Promise.all(
      Array.from({ length: CUSTOMERS }, async () => {
        const person = await signUp(http);
        return { person, order: await order(person, sku) };
      }),
    );
    await all(some(0, 8), pay);
    const found = await orders()
      .find({ "state.newerNote": { $exists: true } })
      .toArray();
    noted = found.map((it) => it._id);
    assert.ok(noted.length > 2 && noted.length < CUSTOMERS, `the newer node wrote ${noted.length} orders`);
  });

  it("go on where the newer one has left, and lose nothing of what it has written", async () => {
    await stop("newer");
    await all(some(8, 16), pay);
    await all(some(0, 8), (it) => deliver(it, "shipped"));
    await all(some(0, 8), ({ person, order: { id } }) => orderBecomes(person, id, "shipped"));
    const changed = await orders()
      .find({ _id: { $in: noted } })
      .toArray();
    assert.ok(
      changed.some((it) => it.state.status === "shipped"),
      "some have been written since",
    );
    for (const { _id, state } of changed)
      for (const [what, it] of Object.entries({ state, total: state.total, attempt: state.attempts[0] }))
        assert.ok(it && "newerNote" in it, `${_id}: ${what} has kept what was not known`);
  });

  it("go on where the older one has left", async () => {
    await start("newer");
    await stop("present");
    await all(some(0, 8), (it) => deliver(it, "delivered"));
    await all(some(0, 8), ({ person, order: { id } }) => orderBecomes(person, id, "delivered"));
    await all(some(16, 20), ({ person, order: { id } }) =>
      person.http.expect(200, "POST", `/orders/${id}/cancel`, { body: {} }),
    );
    await all(some(20, 24), pay);
    await stockBecomes(admin.http, sku, {
      onHand: ON_HAND - 20,
      held: 0,
      available: ON_HAND - 20,
    });
  });

  it("have buried nothing, and left nothing in an outbox", async () => {
    await eventually("all outboxes are empty", async () => {
      const left = await orders().countDocuments({ "outbox.0": { $exists: true } });
      return left === 0;
    });
    const connection = await connectAmqp(AMQP_URL);
    const channel = await connection.createChannel();
    const buried: string[] = [];
    for (const { name } of queuesOf(topologyOf(core.contracts))) {
      const queue = deadQueueName(queueName(prefix, name));
      const { messageCount } = await channel.checkQueue(queue);
      if (messageCount > 0) buried.push(`${queue}: ${messageCount}`);
    }
    await connection.close();
    assert.deepEqual(buried, [], [...nodes.values()].map((it) => it.output()).join("\n"));
  });
});

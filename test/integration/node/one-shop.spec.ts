import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runningStoreUri } from "@souk/embedded-mongo";
import { createAmqpBus } from "../../../broker/bus/amqp/amqp-bus.ts";
import { connectToAny } from "../../../broker/bus/amqp/connect-once.ts";
import { replaceClaim } from "../../../broker/bus/amqp/hand-over.ts";
import { loadConfig } from "../../../broker/moleculer/config.ts";
import { loadServices } from "../../../broker/moleculer/extension.ts";
import { type SoukNode, startNode } from "../../../broker/moleculer/node/start-node.ts";
import { silentLog } from "../../../broker/resilience/silent-log.ts";
import core from "../../../services/index.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { deleteQueues } from "../../support/rabbit/rabbit-cleanup.ts";
import { tcpProxy } from "../../support/servers/tcp-proxy.ts";

const AMQP_URL = process.env.AMQP_URL ?? "amqp://guest:guest@127.0.0.1:5672";
/** Few queues, because their number does not matter for the shop's identity. */
const few = core.contracts.filter((it) => it.service === "cart" || it.service === "products");

describe("one shop is one shop", function () {
  this.timeout(60_000);
  let dirs: string[];
  let nodes: SoukNode[];
  let prefixes: string[];

  beforeEach(() => {
    dirs = [];
    nodes = [];
    prefixes = [];
  });
  afterEach(async () => {
    for (const node of nodes) await node.stop();
    for (const prefix of prefixes) await deleteQueues(AMQP_URL, prefix);
    for (const dir of dirs) await rm(dir, { recursive: true, force: true });
  });

  const newDir = async () => {
    const dir = await mkdtemp(join(tmpdir(), "souk-shop-"));
    dirs.push(dir);
    return dir;
  };
  const newPrefix = () => {
    const prefix = `test-${randomUUID().slice(0, 8)}`;
    prefixes.push(prefix);
    return prefix;
  };
  const start = async (env: Record<string, string>): Promise<SoukNode> => {
    const config = loadConfig({
      NODE_ENV: "test",
      NODE_ID: `node-${randomUUID()}`,
      LOG_LEVEL: "fatal",
      EMBEDDED_SYNC: "normal",
      OPS_PORT: "off",
      TRANSPORTER: "Fake",
      ...env,
    });
    const node = await startNode({
      config,
      services: await loadServices(core, ["products"]),
      shop: { ...core, contracts: few },
    });
    nodes.push(node);
    return node;
  };
  const stop = async (node: SoukNode) => {
    await node.stop();
    nodes.splice(nodes.indexOf(node), 1);
  };
  const uriOf = (dir: string) => runningStoreUri(join(dir, "mongo")) ?? assert.fail("no store runs");
  const idOf = async ({ runtime }: SoukNode, service = "shop") =>
    (await runtime.database(service).collection("shop").findOne({}))?.id as string | undefined;
  const refusal = (starting: Promise<SoukNode>): Promise<string> =>
    starting.then(
      () => assert.fail("it should have been refused"),
      (error: Error) => {
        assert.equal(error.name, "ConfigError", error.stack);
        assert.doesNotMatch(error.message, /\n/);
        return error.message;
      },
    );

  it("refuses a node with another database beside a running shop, and names both; one with the shop's joins", async () => {
    const [AMQP_PREFIX, dir, other] = [newPrefix(), await newDir(), await newDir()];
    const first = await start({ AMQP_URL, AMQP_PREFIX, DATA_DIR: dir });
    const said = await refusal(start({ AMQP_URL, AMQP_PREFIX, DATA_DIR: other }));
    const id = (await idOf(first)) ?? assert.fail();
    assert.match(
      said,
      new RegExp(`AMQP_PREFIX=${AMQP_PREFIX} are of shop ${id}, but the database is of shop `),
    );
    assert.match(said, new RegExp(`MONGO_URL.*npm run shop -- adopt ${id}$`));
    const second = await start({ AMQP_URL, AMQP_PREFIX, MONGO_URL: uriOf(dir) });
    assert.equal(await idOf(second), id);
    assert.equal(await idOf(second, "products"), id);
  });

  it("refuses it when no other node is online, too", async () => {
    const [AMQP_PREFIX, dir, other] = [newPrefix(), await newDir(), await newDir()];
    await stop(await start({ AMQP_URL, AMQP_PREFIX, DATA_DIR: dir }));
    assert.match(await refusal(start({ AMQP_URL, AMQP_PREFIX, DATA_DIR: other })), /are of shop/);
    await start({ AMQP_URL, AMQP_PREFIX, DATA_DIR: dir });
  });

  it("lets one of several in that start at once with databases of their own", async () => {
    const AMQP_PREFIX = newPrefix();
    const folders = await Promise.all([newDir(), newDir(), newDir()]);
    const outcomes = await Promise.allSettled(
      folders.map((DATA_DIR) => start({ AMQP_URL, AMQP_PREFIX, DATA_DIR })),
    );
    assert.deepEqual(outcomes.map((it) => it.status).sort(), ["fulfilled", "rejected", "rejected"]);
  });

  it("makes one shop of nodes that start at once with one new database", async () => {
    const [AMQP_PREFIX, dir] = [newPrefix(), await newDir()];
    await start({ DATA_DIR: dir });
    const env = { AMQP_URL, AMQP_PREFIX, MONGO_URL: uriOf(dir) };
    const [first] = nodes;
    await first?.runtime.database("shop").collection("shop").deleteMany({});
    await first?.runtime.database("products").collection("shop").deleteMany({});
    const joined = await Promise.all([start(env), start(env), start(env)]);
    const ids = new Set(await Promise.all(joined.map((it) => idOf(it))));
    assert.equal(ids.size, 1);
  });

  it("refuses another AMQP_PREFIX, and none at all, beside the shop's database", async () => {
    const [AMQP_PREFIX, other, dir] = [newPrefix(), newPrefix(), await newDir()];
    await start({ AMQP_URL, AMQP_PREFIX, DATA_DIR: dir });
    const MONGO_URL = uriOf(dir);
    assert.match(
      await refusal(start({ AMQP_URL, AMQP_PREFIX: other, MONGO_URL })),
      new RegExp(`under AMQP_PREFIX=${AMQP_PREFIX}, not ${other}; .*npm run shop -- move$`),
    );
    assert.match(await refusal(start({ MONGO_URL })), /^AMQP_URL: must be set: .* on RabbitMQ/);
  });

  it("goes on with a RabbitMQ that has lost all, and with a restored database", async () => {
    const [AMQP_PREFIX, dir] = [newPrefix(), await newDir()];
    const env = { AMQP_URL, AMQP_PREFIX, DATA_DIR: dir };
    const first = await start(env);
    const id = await idOf(first);
    // As where only the services' databases were restored.
    await first.runtime.database("shop").collection("shop").deleteMany({});
    await stop(first);
    await deleteQueues(AMQP_URL, AMQP_PREFIX);
    const again = await start(env);
    assert.equal(await idOf(again), id);
    assert.match(await refusal(start({ AMQP_URL, AMQP_PREFIX, DATA_DIR: await newDir() })), /are of shop/);
  });

  it("refuses a service's database of another shop", async () => {
    const dir = await newDir();
    const first = await start({ DATA_DIR: dir });
    const products = first.runtime.database("products").collection("shop");
    await products.updateOne({}, { $set: { id: randomUUID() } });
    await stop(first);
    assert.match(await refusal(start({ DATA_DIR: dir })), /souk_products is of shop .* souk_shop is of shop/);
  });

  it("gives a shop's messages to another database, and a shop another AMQP_PREFIX, when an operator says so", async () => {
    const [AMQP_PREFIX, other, dir, fresh] = [newPrefix(), newPrefix(), await newDir(), await newDir()];
    const shop = (env: Record<string, string>, ...args: string[]) => {
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        ["--import", "./scripts/support/preload.mjs", "scripts/shop.ts", ...args],
        {
          env: { ...process.env, NODE_ENV: "development", MONGO_URL: "", REDIS_URL: "", AMQP_URL, ...env },
          encoding: "utf8",
          timeout: 30_000,
        },
      );
      return { status, stdout, stderr };
    };
    const first = await start({ AMQP_URL, AMQP_PREFIX, DATA_DIR: dir });
    const id = (await idOf(first)) ?? assert.fail();
    await first.runtime.bus.publish({
      id: randomUUID(),
      specversion: "1.0",
      source: "/test",
      type: "order.paid",
      subject: randomUUID(),
      time: new Date().toISOString(),
      datacontenttype: "application/json",
      data: {},
    });

    const busy = shop({ AMQP_PREFIX, DATA_DIR: fresh }, "adopt", id);
    assert.equal(busy.status, 1);
    assert.match(busy.stderr, /nodes are running/);
    await stop(first);
    const wrong = shop({ AMQP_PREFIX, DATA_DIR: fresh }, "adopt", randomUUID());
    assert.match(wrong.stderr, new RegExp(`are of shop ${id}`));
    // It waits for the cart, of which no node has run.
    const waiting = shop({ AMQP_PREFIX, DATA_DIR: fresh }, "adopt", id);
    assert.match(waiting.stderr, /1 messages wait .*--messages drop/);
    const adopted = shop({ AMQP_PREFIX, DATA_DIR: fresh }, "adopt", id, "--messages", "drop");
    assert.equal(adopted.status, 0, adopted.stderr);
    assert.match(
      shop({ AMQP_PREFIX, DATA_DIR: fresh }, "show").stdout,
      /queues {5}0 messages wait, 0 consumers/,
    );
    assert.match(await refusal(start({ AMQP_URL, AMQP_PREFIX, DATA_DIR: dir })), /are of shop/);
    await stop(await start({ AMQP_URL, AMQP_PREFIX, DATA_DIR: fresh }));

    const moved = shop({ AMQP_PREFIX: other, DATA_DIR: fresh }, "move");
    assert.equal(moved.status, 0, moved.stderr);
    await stop(await start({ AMQP_URL, AMQP_PREFIX: other, DATA_DIR: fresh }));
    assert.match(await refusal(start({ AMQP_URL, AMQP_PREFIX, DATA_DIR: fresh })), /npm run shop -- move/);
    assert.equal(shop({ AMQP_PREFIX: other, DATA_DIR: fresh }, "adopt").status, 2);
  });

  it("leaves a RabbitMQ alone that belongs to another shop when the connection comes back", async () => {
    const prefix = newPrefix();
    const proxy = await tcpProxy(AMQP_URL);
    const [own, theirs] = [randomUUID(), randomUUID()];
    const bus = await createAmqpBus({
      url: proxy.via(AMQP_URL),
      prefix,
      name: "test",
      log: silentLog,
      shop: own,
    });
    const model = await connectToAny(AMQP_URL);
    try {
      await replaceClaim(model, prefix, theirs);
      proxy.cut();
      await eventually("the connection is lost", () => bus.state === "connecting");
      const seen = new Set<string>();
      for (let n = 0; n < 50; n++) {
        seen.add(bus.state);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      assert.deepEqual([...seen], ["connecting"]);
      await replaceClaim(model, prefix, own);
      await eventually("it is back", () => bus.state === "connected");
    } finally {
      await model.close();
      await bus.close();
      await proxy.close();
    }
  });
});

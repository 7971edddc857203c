import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { connectToAny } from "../../broker/bus/amqp/connect-once.ts";
import { serviceNames } from "../../broker/moleculer/extension.ts";
import core from "../../services/index.ts";
import { eventually } from "../../souk/testing/eventually.ts";
import { openToOthers } from "../support/open-to-others.ts";
import { deleteQueues } from "../support/rabbit/rabbit-cleanup.ts";
import { type ScriptRun, startScript } from "../support/scripts/start-script.ts";
import { checkStory } from "../support/shop/check-story.ts";
import { tellStory } from "../support/shop/readme-story.ts";
import { familyOf } from "./support/processes.ts";

const AMQP_URL = process.env.AMQP_URL ?? "amqp://guest:guest@127.0.0.1:5672";

/** The nodes that a cluster runs, by the services of each. */
const nodesOf = ({ child: { pid = 0 } }: ScriptRun) =>
  familyOf(pid).flatMap(({ command }) => command.split("node.ts ")[1] ?? []);

/** A cluster for the tests of the suite that calls this. @param processes that share the services */
function clusterOf(processes: string): { readonly prefix: string; readonly shop: ScriptRun } {
  const prefix = `test-${randomUUID().slice(0, 8)}`;
  let shop: ScriptRun | undefined;

  before(async function () {
    this.timeout(120_000);
    shop = await startScript("cluster", {
      args: ["--processes", processes],
      env: { AMQP_URL, AMQP_PREFIX: prefix, NAMESPACE: prefix, SEED_COUNT: "100" },
      readyMs: 100_000,
    });
  });

  after(async function () {
    this.timeout(60_000);
    await shop?.stop();
    await deleteQueues(AMQP_URL, prefix);
  });

  return {
    prefix,
    get shop() {
      assert.ok(shop, "it has started");
      return shop;
    },
  };
}

describe("the README's story on `npm run cluster`, its services in one process, over RabbitMQ", () => {
  const cluster = clusterOf("1");

  it("goes from registration to a delivered order", async function () {
    this.timeout(60_000);
    assert.deepEqual(
      nodesOf(cluster.shop).map((it) => it.split(" ").toSorted()),
      [serviceNames(core).toSorted()],
    );
    checkStory(await tellStory(`${cluster.shop.url}/api/v1`, await cluster.shop.bootstrapToken()));
  });

  it("stops in order on SIGTERM, with exit code 0", async function () {
    this.timeout(60_000);
    assert.equal(await cluster.shop.terminate(), 0);
  });
});

describe("the README's story on `npm run cluster`, every service a process, over RabbitMQ", () => {
  const cluster = clusterOf("each");

  it("goes from registration to a delivered order, and stock goes down by what was bought", async function () {
    this.timeout(60_000);
    assert.equal(nodesOf(cluster.shop).length, serviceNames(core).length);
    const token = await cluster.shop.bootstrapToken();
    checkStory(await tellStory(`${cluster.shop.url}/api/v1`, token));
  });

  it("keeps its data where nobody else can read it", () => {
    assert.deepEqual(openToOthers(cluster.shop.dataDir), []);
  });

  it("is found by commands that are told its data folder only, also what is in its dead queues", async function () {
    this.timeout(60_000);
    const rabbit = await connectToAny(AMQP_URL);
    const channel = await rabbit.createChannel();
    channel.sendToQueue(`${cluster.prefix}.order.3`, Buffer.from("not an envelope"), {
      messageId: "not-an-envelope",
    });
    const unset = { AMQP_URL: "", MONGO_URL: "", REDIS_URL: "", AMQP_PREFIX: "", NAMESPACE: "" };
    const dlq = () =>
      spawnSync(process.execPath, ["--import", "./scripts/support/preload.mjs", "scripts/dlq.ts", "list"], {
        env: { ...process.env, ...unset, NODE_ENV: "development", DATA_DIR: cluster.shop.dataDir },
        encoding: "utf8",
        timeout: 20_000,
      });
    try {
      const { stdout, stderr, status } = await eventually(
        "the dead message is listed",
        () => {
          const found = dlq();
          return /1 {2}\S*order\.3/.test(found.stdout) && found;
        },
        30_000,
      );
      assert.equal(status, 0);
      assert.match(stderr, /^servers: RabbitMQ amqp:.*shop\.json says$/m);
      assert.doesNotMatch(stdout, /no dead messages/);
    } finally {
      await rabbit.close();
    }
  });

  it("stops in order on SIGTERM, with exit code 0", async function () {
    this.timeout(60_000);
    assert.equal(await cluster.shop.terminate(), 0);
  });
});

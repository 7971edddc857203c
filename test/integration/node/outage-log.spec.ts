import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { storeProgram } from "@souk/embedded-mongo";
import { MongoClient } from "mongodb";
import { serviceNames } from "../../../broker/moleculer/extension.ts";
import { type Child, startChild } from "../../../scripts/support/children.ts";
import core from "../../../services/index.ts";
import { anAddress } from "../../../souk/testing/address.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { freePort } from "../../../souk/testing/free-port.ts";
import { HttpClient } from "../../../souk/testing/http-client.ts";
import { deleteQueues } from "../../support/rabbit/rabbit-cleanup.ts";
import { type TcpProxy, tcpProxy } from "../../support/servers/tcp-proxy.ts";

const AMQP_URL = process.env.AMQP_URL ?? "amqp://guest:guest@127.0.0.1:5672";
const OUTAGE_MS = 28_000;
/** Lines of one node about an outage of that length: at most. */
const DOZEN = 12;
const REQUESTS_A_SECOND = 20;
const FRONT = ["api", "users", "cart"];
const STOCK = ["products", "inventory"];

const file = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

describe("The log of a shop whose RabbitMQ is away for 28 s under load", function () {
  this.timeout(240_000);
  const prefix = `test-${randomUUID().slice(0, 8)}`;
  const lines = new Map<string, string[]>();
  const children: Child[] = [];
  let dir: string;
  let proxy: TcpProxy;
  let url: string;
  let mongoUrl: string;

  const start = (name: string, script: string, args: string[], env: NodeJS.ProcessEnv = {}) => {
    lines.set(name, []);
    const child = startChild(name, script, args, {
      env: { ...process.env, ...env },
      restart: false,
      print: (line) => lines.get(name)?.push(line.slice(11)),
    });
    children.push(child);
    return child;
  };

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "souk-outage-"));
    proxy = await tcpProxy(AMQP_URL);
    const store = start("store", storeProgram, ["--dir", join(dir, "mongo"), "--sync", "normal"]);
    const port = await freePort();
    mongoUrl = await store.line((line) => line.startsWith("mongodb://"));
    const env = {
      NODE_ENV: "development",
      MONGO_URL: mongoUrl,
      AMQP_URL: proxy.via(AMQP_URL),
      AMQP_PREFIX: prefix,
      NAMESPACE: prefix,
      REDIS_URL: "",
      DATA_DIR: dir,
      PORT: String(port),
      RATE_LIMIT: "off",
      LOG_LEVEL: "info",
      ACCESS_LOG: "off",
    };
    start("front", file("scripts/node.ts"), FRONT, env);
    start("stock", file("scripts/node.ts"), STOCK, env);
    // The gateway starts once every service runs.
    const others = serviceNames(core).filter((it) => !FRONT.includes(it) && !STOCK.includes(it));
    start("orders", file("scripts/node.ts"), others, env);
    url = `http://127.0.0.1:${port}`;
    await eventually("the shop is ready", async () => (await fetch(`${url}/health/ready`)).ok, 120_000).catch(
      (cause) => {
        throw new Error([...lines.values()].flat().join("\n"), { cause });
      },
    );
  });

  after(async () => {
    proxy?.allow();
    await Promise.all(children.slice(1).map((it) => it.stop(20_000)));
    await children[0]?.stop(5_000);
    await proxy?.close();
    await rm(dir, { recursive: true, force: true });
    await deleteQueues(AMQP_URL, prefix);
  });

  it("has at most a dozen lines a node, and no stack", async () => {
    const http = new HttpClient(url);
    const { accessToken } = await http.expect<{ accessToken: string }>(201, "POST", "/auth/register", {
      body: { email: "ann@example.com", password: "a-long-passphrase-of-ann", name: "Ann" },
    });
    const ann = http.as(accessToken);
    // Messages about the new account would be lost on their way now and then, with lines of their own.
    const mongo = await new MongoClient(mongoUrl).connect();
    const users = mongo.db("souk_users").collection("accounts");
    await eventually(
      "all messages are confirmed",
      async () => (await users.countDocuments({ "outbox.0": { $exists: true } })) === 0,
    );
    await mongo.close();
    const statuses = new Map<number, number>();
    const ask = async (method: string, path: string, body?: unknown) => {
      const { status } = await ann.request(method, path, {
        ...(body === undefined ? {} : { body, headers: { "idempotency-key": randomUUID() } }),
      });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    };
    const shippingAddress = anAddress();
    const requests = [
      () => ask("GET", "/products"),
      () => ask("GET", "/inventory/NONE"),
      () => ask("GET", "/cart"),
      () => ask("GET", "/orders"),
      () => ask("POST", "/orders", { shippingAddress, payment: { provider: "sandbox" } }),
      () => ask("GET", "/users/me"),
    ];
    const before = new Map([...lines].map(([name, all]) => [name, all.length]));

    proxy.refuse();
    const under: Promise<void>[] = [];
    const until = performance.now() + OUTAGE_MS;
    for (let n = 0; performance.now() < until; n++) {
      const request = requests[n % requests.length];
      if (request) under.push(request());
      await sleep(1_000 / REQUESTS_A_SECOND);
    }
    proxy.allow();
    await Promise.all(under);
    await eventually("the shop is ready again", async () => (await fetch(`${url}/health/ready`)).ok, 60_000);

    for (const name of ["front", "stock", "orders"]) {
      const written = (lines.get(name) ?? []).slice(before.get(name));
      console.log(`      ${name}: ${written.length} lines`);
      const text = written.join("\n");
      assert.doesNotMatch(text, /^\s+at /m, text);
      assert.ok(written.length <= DOZEN, text);
      assert.ok(written.length > 0, `${name} says nothing`);
    }
    console.log(`      answers by status: ${JSON.stringify(Object.fromEntries(statuses))}`);
    assert.ok((statuses.get(503) ?? 0) > 0, "the outage is felt");
  });
});

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmbeddedMongo, startEmbeddedMongo } from "@souk/embedded-mongo";
import { eventually } from "../../../souk/testing/eventually.ts";
import { freePort } from "../../../souk/testing/free-port.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";
import { deleteQueues } from "../../support/rabbit/rabbit-cleanup.ts";
import { type TcpProxy, tcpProxy } from "../../support/servers/tcp-proxy.ts";

const AMQP_URL = process.env.AMQP_URL ?? "amqp://guest:guest@127.0.0.1:5672";

describe("a node that starts before MongoDB and RabbitMQ", function () {
  this.timeout(60_000);
  const prefix = `test-${randomUUID().slice(0, 8)}`;
  let dir: string;
  let store: EmbeddedMongo;
  let mongo: TcpProxy;
  let rabbit: TcpProxy;
  let starting: Promise<Shop> | undefined;
  let ops: string;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "souk-ready-"));
    store = await startEmbeddedMongo({ dir, listen: { host: "127.0.0.1", port: 0 }, sync: "normal" });
    mongo = await tcpProxy(store.uri);
    rabbit = await tcpProxy(AMQP_URL);
    mongo.refuse();
    rabbit.refuse();
    const port = await freePort();
    ops = `http://127.0.0.1:${port}`;
    starting = startShop({
      services: ["users"],
      env: {
        OPS_PORT: String(port),
        MONGO_URL: mongo.via(store.uri),
        AMQP_URL: rabbit.via(AMQP_URL),
        AMQP_PREFIX: prefix,
        NAMESPACE: prefix,
      },
    });
    starting.catch(() => undefined);
  });

  after(async () => {
    mongo?.allow();
    rabbit?.allow();
    await (await starting)?.stop();
    await rabbit?.close();
    await mongo?.close();
    await store?.close();
    await deleteQueues(AMQP_URL, prefix);
    await rm(dir, { recursive: true, force: true });
  });

  const becomes = (wanted: string[]) =>
    eventually(
      `ready names ${wanted.join("; ") || "nothing"}`,
      async () => {
        const reply = await fetch(`${ops}/health/ready`);
        const { missing = [] } = (await reply.json()) as { missing?: { check: string; reason: string }[] };
        assert.equal(reply.status, missing.length > 0 ? 503 : 200);
        assert.deepEqual(
          missing.map((it) => `${it.check} ${it.reason}`),
          wanted,
        );
        assert.equal((await fetch(`${ops}/health/live`)).status, 200);
        return true;
      },
      30_000,
    );

  it("is live, and says what it waits for, one after the other, until it is ready", async () => {
    await becomes(["database has not answered yet", "bus is connecting"]);
    mongo.allow();
    await becomes(["bus is connecting", "node is starting", "transporter is connecting"]);
    rabbit.allow();
    await becomes([]);
    const metrics = await (await fetch(`${ops}/metrics`)).text();
    assert.match(metrics, /^souk_bus_published_total \d+$/m);
    assert.match(metrics, /^moleculer_broker_started 1$/m);
  });

  it("says what it has lost later", async () => {
    rabbit.refuse();
    await becomes(["bus is connecting", "transporter is connecting"]);
    rabbit.allow();
    await becomes([]);
  });

  it("closes its port when it stops", async () => {
    await (await starting)?.stop();
    await assert.rejects(fetch(`${ops}/health/live`));
  });
});

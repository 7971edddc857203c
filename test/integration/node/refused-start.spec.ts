import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { startEmbeddedMongo } from "@souk/embedded-mongo";
import { Redis } from "ioredis";
import type { ServiceBroker } from "moleculer";
import { generate } from "selfsigned";
import { createAmqpBus } from "../../../broker/bus/amqp/amqp-bus.ts";
import { ConfigError } from "../../../broker/contract/variables.ts";
import { refusedStart } from "../../../broker/moleculer/middlewares/refused-start.ts";
import { checkRedis } from "../../../broker/moleculer/redis.ts";
import { connectDatabase } from "../../../broker/mongo/database.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { freePort } from "../../../souk/testing/free-port.ts";
import { quietLog } from "../../support/quiet-log.ts";
import { standIn } from "../../support/stand-in.ts";

const AMQP_URL = process.env.AMQP_URL ?? "amqp://guest:guest@127.0.0.1:5672";
const REDIS_URL = process.env.REDIS_URL ?? "redis://127.0.0.1:6379";
const PASSWORD = "o'dd p@ss/w:rd%";

const is = (variable: string, reason: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ConfigError, String(error));
  assert.ok(error.message.startsWith(`${variable}: `), error.message);
  assert.match(error.message, reason);
  assert.ok(!error.message.includes(PASSWORD) && !error.message.includes(encodeURIComponent(PASSWORD)));
  assert.doesNotMatch(error.message, /\n/);
  return true;
};

describe("What can't get well by waiting", function () {
  this.timeout(30_000);
  const servers: Server[] = [];
  /** Answers whatever comes first with the given bytes, and closes. */
  const stub = async (answer: string | Buffer, tls?: { key: string; cert: string }) => {
    const serve = (socket: Socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => socket.end(answer));
    };
    const server = tls ? createTlsServer(tls, serve) : createServer(serve);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    servers.push(server);
    return (server.address() as AddressInfo).port;
  };
  const withUser = (url: string, user: string, path = "") => {
    const it = new URL(url);
    return `${it.protocol}//${user}:${encodeURIComponent(PASSWORD)}@${it.host}${path}`;
  };
  after(() => {
    for (const it of servers) it.close();
  });

  describe("at RabbitMQ:", () => {
    const bus = (url: string, signal?: AbortSignal) =>
      createAmqpBus({
        url,
        prefix: "test-refused",
        name: "test",
        log: quietLog(),
        ...(signal ? { signal } : {}),
      });
    const { protocol, host, username, password } = new URL(AMQP_URL);

    it("a wrong password", () =>
      assert.rejects(
        bus(withUser(AMQP_URL, "guest")),
        is("AMQP_URL", /refuses the user guest: wrong name or password/),
      ));
    it("a virtual host that it has not", () =>
      assert.rejects(
        bus(`${protocol}//${username}:${password}@${host}/no%20such`),
        is("AMQP_URL", /has no virtual host no such/),
      ));
    it("TLS with what does not speak it", () =>
      assert.rejects(bus(`amqps://${host}`), is("AMQP_URL", /does not speak TLS/)));
    it("a certificate that nobody vouches for", async () => {
      const pems = await generate([{ name: "commonName", value: "localhost" }]);
      const port = await stub("", { key: pems.private, cert: pems.cert });
      await assert.rejects(
        bus(`amqps://127.0.0.1:${port}`),
        is("AMQP_URL", /TLS with .* fails: self-signed certificate/),
      );
    });
    it("something else than RabbitMQ", async () => {
      await assert.rejects(
        bus(`amqp://127.0.0.1:${await stub("HTTP/1.1 400 Bad Request\r\n\r\n")}`),
        is("AMQP_URL", /speaks HTTP, not AMQP/),
      );
      await assert.rejects(
        bus(`amqp://127.0.0.1:${await stub(Buffer.from([0x15, 3, 1, 0, 2, 2, 70]))}`),
        is("AMQP_URL", /speaks TLS: use amqps/),
      );
    });
    it("while what can get well is waited for", async () => {
      for (const url of [
        `amqp://127.0.0.1:${await freePort()}`,
        `amqp://127.0.0.1:${await stub("")}`,
        "amqp://no.invalid",
      ])
        await assert.rejects(bus(url, AbortSignal.timeout(800)), /gave up waiting/);
    });
  });

  describe("at MongoDB:", () => {
    const database = (url: string, signal?: AbortSignal) => connectDatabase(url, quietLog(), signal);

    it("a wrong password, and none", async () => {
      const dir = await mkdtemp(join(tmpdir(), "souk-refused-"));
      const store = await startEmbeddedMongo({ dir, sync: "normal", listen: { port: 0 } });
      try {
        const { host, username } = new URL(store.uri);
        const options = "/?directConnection=true&authSource=admin";
        await assert.rejects(
          database(`mongodb://${username}:${encodeURIComponent(PASSWORD)}@${host}${options}`),
          is("MONGO_URL", /refuses the user/),
        );
        await assert.rejects(
          database(`mongodb://${host}/?directConnection=true`),
          is("MONGO_URL", /wants a user and a password/),
        );
      } finally {
        await store.close();
        await rm(dir, { recursive: true, force: true });
      }
    });
    it("an option that there is not", () =>
      assert.rejects(
        database("mongodb://127.0.0.1/?retries=9"),
        is("MONGO_URL", /option retries is not supported/),
      ));
    it("a certificate that nobody vouches for, and a file of them that is not there", async () => {
      const pems = await generate([{ name: "commonName", value: "localhost" }]);
      const port = await stub("", { key: pems.private, cert: pems.cert });
      await assert.rejects(
        database(`mongodb://127.0.0.1:${port}/?tls=true`),
        is("MONGO_URL", /self-signed certificate/),
      );
      await assert.rejects(
        database("mongodb://127.0.0.1/?tls=true&tlsCAFile=/no/such.pem"),
        is("MONGO_URL", /no such file/),
      );
    });
    it("while what can get well is waited for, a line in ten seconds", async () => {
      const log = quietLog();
      const url = withUser(`mongodb://127.0.0.1:${await freePort()}`, "souk", "/");
      await assert.rejects(
        connectDatabase(url, log, AbortSignal.timeout(5_000)),
        /is away: connect ECONNREFUSED/,
      );
      assert.equal(log.lines.length, 1);
      assert.match(log.lines[0]?.message ?? "", /^waiting for MongoDB at mongodb:\/\/souk:\*\*\*@127/);
    });
  });

  describe("at Redis:", () => {
    let child: ChildProcess;
    let url: string;
    before(async () => {
      const port = await freePort();
      const args = [
        "--port",
        String(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--requirepass",
        "right-password",
      ];
      child = spawn("redis-server", args, { stdio: "ignore" });
      url = `redis://:right-password@127.0.0.1:${port}`;
      await eventually("Redis is there", async () => (await checkRedis(url, "REDIS_URL")) === undefined);
    });
    after(async () => {
      const gone = once(child, "exit");
      child.kill();
      await gone;
    });
    const check = (address: string) => checkRedis(address, "REDIS_URL");

    it("a wrong password, and none", async () => {
      await assert.rejects(check(withUser(url, "")), is("REDIS_URL", /wrong name or password/));
      await assert.rejects(check(url.replace(":right-password@", "")), is("REDIS_URL", /wants a password/));
    });
    it("a database that it has not", () =>
      assert.rejects(check(`${REDIS_URL}/99`), is("REDIS_URL", /has no database 99/)));
    it("a certificate that nobody vouches for", async () => {
      const pems = await generate([{ name: "commonName", value: "localhost" }]);
      const port = await stub("", { key: pems.private, cert: pems.cert });
      await assert.rejects(check(`rediss://127.0.0.1:${port}`), is("REDIS_URL", /self-signed certificate/));
    });
    it("something else than Redis", async () => {
      const port = await stub("HTTP/1.1 400 Bad Request\r\n\r\n");
      await assert.rejects(check(`redis://127.0.0.1:${port}`), is("REDIS_URL", /is not Redis/));
    });
    it("none that removes data when its memory is full, in production", async () => {
      const redis = new Redis(url);
      await redis.config("SET", "maxmemory", "100mb", "maxmemory-policy", "volatile-lru");
      const start = (isProduction: boolean) => {
        const warned: string[] = [];
        const log = { warn: (text: string) => warned.push(text) };
        const broker = standIn<ServiceBroker>({ getLogger: () => log });
        const starting = refusedStart(url, isProduction).starting?.(broker);
        return Promise.resolve(starting).then(() => warned);
      };
      await assert.rejects(start(true), is("REDIS_URL", /maxmemory-policy volatile-lru/));
      assert.match((await start(false)).join(), /maxmemory-policy volatile-lru.*appendonly/);
      await redis.config("SET", "maxmemory-policy", "noeviction");
      assert.doesNotMatch((await start(true)).join(), /maxmemory/);
      redis.disconnect();
    });
    it("while its being away is none of that", async () => {
      assert.match((await check(`redis://127.0.0.1:${await freePort()}`)) ?? "", /ECONNREFUSED/);
    });
  });
});

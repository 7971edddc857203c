import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createOperations, type Operations } from "../../../broker/moleculer/operations/operations.ts";
import { type OperationsServer, startOperationsServer } from "../../../broker/moleculer/operations/server.ts";
import { silentLog } from "../../../broker/resilience/silent-log.ts";

const TIMEOUT_MS = 300;

describe("the operations port", () => {
  let operations: Operations;
  let server: OperationsServer;
  let sockets: Socket[];

  beforeEach(async () => {
    operations = createOperations();
    sockets = [];
    server = await start();
  });
  afterEach(async () => {
    for (const it of sockets) it.destroy();
    await server.close();
  });

  const start = (port = 0, metrics = true) =>
    startOperationsServer({
      host: "127.0.0.1",
      port,
      operations,
      metrics,
      log: silentLog,
      timeoutMs: TIMEOUT_MS,
    });

  const get = async (path: string, init: RequestInit = {}) => {
    const reply = await fetch(server.url + path, init);
    return { status: reply.status, headers: reply.headers, text: await reply.text() };
  };

  const open = async (): Promise<Socket> => {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    socket.on("error", () => undefined);
    sockets.push(socket);
    await once(socket, "connect");
    return socket;
  };

  /** All that comes until the other side closes. */
  const untilClosed = (socket: Socket): Promise<string> =>
    new Promise((resolve) => {
      let text = "";
      socket.on("data", (chunk) => {
        text += chunk;
      });
      socket.on("close", () => resolve(text));
    });

  it("is live, and ready when all checks are well; else it names each that is not, and why", async () => {
    operations.check({ name: "database", run: async () => undefined });
    assert.deepEqual(await get("/health/live").then((it) => [it.status, it.text]), [
      200,
      '{"status":"live"}',
    ]);
    assert.equal((await get("/health/ready")).status, 200);
    operations.check({
      name: "bus",
      run: async () => {
        throw new Error("is connecting");
      },
    });
    const { status, text } = await get("/health/ready");
    assert.equal(status, 503);
    assert.deepEqual(JSON.parse(text), {
      status: "not ready",
      missing: [{ check: "bus", reason: "is connecting" }],
    });
    assert.equal((await get("/health/live")).status, 200);
  });

  it("serves what its parts measure, where it may", async () => {
    operations.measure("one", () => "souk_one 1\n");
    operations.measure("two", () => "souk_two 2\n");
    const { status, headers, text } = await get("/metrics");
    assert.deepEqual([status, text], [200, "souk_one 1\nsouk_two 2\n"]);
    assert.match(headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
    await server.close();
    server = await start(0, false);
    assert.equal((await get("/metrics")).status, 404);
  });

  it("answers nothing else, and lives on when a part fails", async () => {
    assert.equal((await get("/")).status, 404);
    assert.equal((await get("/__proto__")).status, 404);
    assert.equal((await get("/health/live", { method: "HEAD" })).text, "");
    const { status, headers } = await get("/metrics", { method: "POST", body: "x".repeat(100_000) });
    assert.deepEqual([status, headers.get("allow")], [405, "GET, HEAD"]);
    operations.measure("broken", () => {
      throw new Error("no figures");
    });
    await assert.rejects(get("/metrics"));
    assert.equal((await get("/health/live")).status, 200);
  });

  it("cuts off who says nothing, who is slow, and who does not read", async () => {
    const silent = untilClosed(await open());
    const dripping = await open();
    const slow = untilClosed(dripping);
    dripping.write("GET /health/live HTTP/1.1\r\nHost: x\r\n");
    const drip = setInterval(() => dripping.write("X: y\r\n"), TIMEOUT_MS / 5);
    operations.measure("much", () => "x".repeat(50_000_000));
    const deaf = await open();
    deaf.write("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(4));
    await silent;
    assert.doesNotMatch(await slow, /200 OK/);
    clearInterval(drip);
    // What was sent before the connection was closed is far from everything.
    await sleep(TIMEOUT_MS * 4);
    assert.ok((await untilClosed(deaf)).length < 100_000_000);
  });

  it("takes few connections at a time", async () => {
    const held = await Promise.all(Array.from({ length: 32 }, open));
    const oneMore = await open();
    oneMore.write("GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n");
    assert.equal(await untilClosed(oneMore), "");
    for (const it of held) it.destroy();
  });

  it("says which setting is wrong when it can't listen", async () => {
    const port = Number(new URL(server.url).port);
    await assert.rejects(start(port), {
      name: "ConfigError",
      message: `OPS_PORT: port ${port} of 127.0.0.1 is taken; choose another one, 0 for any, or off`,
    });
  });
});

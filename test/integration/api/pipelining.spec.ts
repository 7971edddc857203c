/** What one connection may request at once, and how long its client may leave answers unread. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { newId } from "../../../broker/contract/ids.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { bytesOf, rawClient } from "../../support/servers/raw-client.ts";
import { type GatewaySetup, startGateway, type TestGateway } from "./support.ts";

const list = (n: number) => bytesOf({ path: `/api/v1/products?limit=${n}` });
const heldBy = ({ broker }: TestGateway, what: string): number =>
  Number(new RegExp(`^souk_http_${what} (\\d+)$`, "m").exec(broker.souk.operations.metrics())?.[1]);

describe("One connection", () => {
  let gateway: TestGateway | undefined;
  afterEach(async () => {
    await gateway?.stop();
    gateway = undefined;
  });
  const start = async (setup: GatewaySetup): Promise<TestGateway> => {
    gateway = await startGateway(setup);
    return gateway;
  };
  /** Answers of this many bytes and more. */
  const large = (bytes: number) => {
    const items = [{ name: "x".repeat(bytes) }];
    return { "products.list": () => ({ items, nextCursor: null }) };
  };

  it("has one request worked on at a time, and its answers come in order", async () => {
    let [now, most] = [0, 0];
    const { url, calls } = await start({
      fakes: {
        "products.list": async ({ params }) => {
          most = Math.max(most, ++now);
          await sleep(20 - Number(params.limit));
          now--;
          return { items: [], nextCursor: String(params.limit) };
        },
      },
    });
    const client = await rawClient(url);
    client.write(Array.from({ length: 15 }, (_, i) => list(i + 1)).join(""));
    await eventually("all are answered", () => client.statuses().length === 15);
    const order = [...client.text().matchAll(/"nextCursor":"(\d+)"/g)].map(([, n]) => Number(n));
    assert.deepEqual(
      order,
      Array.from({ length: 15 }, (_, i) => i + 1),
    );
    assert.deepEqual([most, calls.length], [1, 15]);
    client.write(list(3));
    await eventually("and it goes on", () => client.statuses().length === 16);
    client.socket.destroy();
  });

  it("may send a body behind a request that is worked on, in pieces", async () => {
    const { url, calls } = await start({ fakes: { "products.list": () => sleep(100, { items: [] }) } });
    const client = await rawClient(url);
    const login = bytesOf({
      method: "POST",
      path: "/api/v1/auth/login",
      body: JSON.stringify({ email: "a@b.test", password: "guess" }),
    });
    client.write(list(1) + list(2) + login.slice(0, -10));
    await sleep(300);
    client.write(login.slice(-10) + list(3));
    await eventually("all are answered", () => client.statuses().length === 4);
    assert.deepEqual(
      calls.map((it) => it.action),
      ["products.list", "products.list", "users.login", "products.list"],
    );
    client.socket.destroy();
  });

  it("is closed where more wait than may, and no more of it is worked on", async () => {
    const { url, calls, get } = await start({
      env: { MAX_PIPELINED: "4" },
      fakes: { "products.list": () => sleep(100, { items: [] }) },
    });
    const client = await rawClient(url);
    client.write(list(1).repeat(500));
    await client.closed;
    assert.equal((await get("/health/live")).status, 200);
    assert.equal(calls.length, 1);
    const few = await rawClient(url);
    few.write(list(1).repeat(5));
    await eventually("as many as may are answered", () => few.statuses().length === 5);
    few.socket.destroy();
  });

  it("is not read from while a request of it waits, so that a flood stays with its sender", async () => {
    let open: (() => void) | undefined;
    const { url, calls } = await start({
      fakes: {
        "products.list": () =>
          new Promise((resolve) => {
            open ??= () => resolve({ items: [] });
          }),
      },
    });
    const client = await rawClient(url);
    client.write(list(1) + list(2));
    await eventually("the first is worked on", () => open !== undefined);
    const flood = Buffer.alloc(200_000, "x");
    let taken = 0;
    for (let i = 0; i < 100; i++) if (client.socket.write(flood, () => taken++)) await sleep(1);
    await sleep(300);
    assert.ok(taken < 60, `${taken} of 100 pieces were taken`);
    assert.equal(calls.length, 1);
    client.socket.destroy();
  });

  it("holds its place until its answer is handed over, and is cut off when its client takes nothing", async () => {
    const running = await start({ env: { WRITE_TIMEOUT: "1s" }, fakes: large(20_000_000) });
    const client = await rawClient(running.url, { deaf: true });
    client.write(list(1));
    await eventually("it waits for its client", () => heldBy(running, "requests_in_flight") === 1);
    await eventually("and then no more", () => heldBy(running, "requests_in_flight") === 0);
    client.socket.resume();
    await client.closed;
    assert.ok(client.socket.bytesRead < 20_000_000, "cut off");
  });

  it("is cut off for pages, too", async () => {
    const running = await start({ env: { WRITE_TIMEOUT: "1s", MAX_PIPELINED: "64" } });
    const client = await rawClient(running.url, { deaf: true });
    client.write(bytesOf({ path: "/docs/swagger-ui-bundle.js" }).repeat(20));
    await eventually("it waits for its client", () => heldBy(running, "requests_in_flight") === 1);
    await eventually("and then no more", () => heldBy(running, "requests_in_flight") === 0);
    client.socket.resume();
    await client.closed;
  });

  it("is cut off for event streams, too, whatever else is sent to it meanwhile", async () => {
    let version = 1;
    const order = () => ({ id: newId(), version: ++version, status: "placed", note: "x".repeat(1_000_000) });
    const running = await start({
      env: { WRITE_TIMEOUT: "1s" },
      fakes: { "orders.events": order, "orders.next": () => sleep(20, order()) },
    });
    const client = await rawClient(running.url, { deaf: true });
    const headers = { authorization: `Bearer ${await running.token()}` };
    client.write(bytesOf({ path: `/api/v1/orders/${newId()}/events`, headers }));
    await eventually("it is open", () => heldBy(running, "event_streams") === 1);
    await eventually("it is cut off", () => heldBy(running, "event_streams") === 0);
    client.socket.resume();
    await client.closed;
  });

  it("is not cut off while its client goes on taking, however slowly", async () => {
    const { url } = await start({ env: { WRITE_TIMEOUT: "1s" }, fakes: large(12_000_000) });
    const client = await rawClient(url, { deaf: true });
    client.write(list(1));
    let received = 0;
    const begun = performance.now();
    const pulse = setInterval(() => {
      received += (client.socket.read(100_000) ?? client.socket.read())?.length ?? 0;
    }, 40);
    await eventually("all has come", () => received > 12_000_000, 60_000);
    clearInterval(pulse);
    assert.ok(performance.now() - begun > 2_000, "it took longer than a client may be silent");
    client.socket.destroy();
  }).timeout(70_000);

  it("may ask for HEAD and OPTIONS among others", async () => {
    const { url } = await start({ fakes: large(10) });
    const client = await rawClient(url);
    const path = "/api/v1/products";
    client.write(
      ["HEAD", "OPTIONS", "GET", "DELETE", "HEAD"].map((method) => bytesOf({ method, path })).join("") +
        bytesOf({ method: "OPTIONS", path: "*" }),
    );
    await eventually("all are answered", () => client.statuses().length === 6);
    assert.deepEqual(client.statuses(), [200, 204, 200, 405, 200, 204]);
    client.socket.destroy();
  });
});

import assert from "node:assert/strict";
import { connect, createConnection } from "node:net";
import { newId } from "../../../broker/contract/ids.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { standIn } from "../../support/stand-in.ts";
import { type GatewaySetup, startGateway, type TestGateway } from "./support.ts";

describe("the gateway's limits", () => {
  let gateway: TestGateway | undefined;
  afterEach(async () => {
    await gateway?.stop();
    gateway = undefined;
  });
  const start = async (setup: GatewaySetup): Promise<TestGateway> => {
    gateway = await startGateway(setup);
    return gateway;
  };
  const login = { email: "a@b.test", password: "guess" };

  it("hold one caller to its requests a minute, and say how many are left", async () => {
    const { get } = await start({ env: { RATE_LIMIT: "3" } });
    const left = [];
    for (let i = 0; i < 3; i++) {
      const { status, headers } = await get("/api/v1/products");
      assert.equal(status, 200);
      assert.equal(headers.get("ratelimit-policy"), '"address";q=3;w=60');
      left.push(/r=(\d+)/.exec(headers.get("ratelimit") ?? "")?.[1]);
    }
    assert.deepEqual(left, ["2", "1", "0"]);
    const refused = await get("/api/v1/products");
    assert.deepEqual([refused.status, refused.body.code], [429, "RATE_LIMITED"]);
    const wait = Number(refused.headers.get("retry-after"));
    assert.ok(wait > 0 && wait <= 60, String(wait));
    assert.match(refused.headers.get("ratelimit") ?? "", /^"address";r=0;t=\d+$/);
  });

  it("do not believe X-Forwarded-For", async () => {
    const { get } = await start({ env: { RATE_LIMIT: "2" } });
    const statuses = [];
    for (let i = 0; i < 4; i++)
      statuses.push(
        (await get("/api/v1/products", { "x-forwarded-for": `10.0.0.${i}`, "x-real-ip": `10.0.0.${i}` }))
          .status,
      );
    assert.deepEqual(statuses, [200, 200, 429, 429]);
  });

  it("count users apart from each other and from their address", async () => {
    const { get, token } = await start({ env: { RATE_LIMIT: "3" } });
    const [a, b] = [`Bearer ${await token()}`, `Bearer ${await token()}`];
    const status = async (authorization: string) => (await get("/api/v1/users/me", { authorization })).status;
    assert.deepEqual(
      [await status(a), await status(a), await status(a), await status(a)],
      [200, 200, 200, 429],
    );
    assert.equal(await status(b), 200);
    assert.equal(
      (await get("/api/v1/products")).status,
      200,
      "two new tokens and this are the address's three",
    );
    assert.equal((await get("/api/v1/products")).status, 429);
    assert.equal(await status(b), 200, "a known user does not suffer from its address");
  });

  it("bound what is recorded of refused staff; of refused customers nothing is", async () => {
    const { send, token, calls } = await start({ env: { RATE_LIMIT: "3" } });
    const json = { "content-type": "application/json" };
    const flood = async (authorization: string) => {
      const statuses = [];
      for (let i = 0; i < 5; i++)
        for (const path of ["/inventory", `/orders/${newId()}/cancel`])
          statuses.push(
            (await send("POST", `/api/v1${path}`, '{"wrong":1}', { authorization, ...json })).status,
          );
      return [...new Set(statuses)];
    };
    const recorded = () => calls.filter((it) => it.action.startsWith("users.staffA")).length;
    assert.deepEqual(await flood(`Bearer ${await token(["customer"])}`), [403, 422, 429]);
    assert.equal(recorded(), 0);
    assert.deepEqual(await flood(`Bearer ${await token(["customer", "staff"])}`), [422, 429]);
    await eventually("three acts are recorded", () => recorded() === 3);
  });

  it("do not let bad tokens be tried without end", async () => {
    const { get } = await start({ env: { RATE_LIMIT: "3" } });
    const statuses = [];
    for (let i = 0; i < 5; i++)
      statuses.push((await get("/api/v1/products", { authorization: `Bearer x${i}` })).status);
    assert.deepEqual(statuses, [401, 401, 401, 429, 429]);
  });

  it("stop guesses at one account sooner than they stop its address", async () => {
    const { send, calls } = await start({ env: { RATE_LIMIT: "300" } });
    const statuses = [];
    for (let i = 0; i < 12; i++) statuses.push((await send("POST", "/api/v1/auth/login", login)).status);
    assert.deepEqual([statuses.filter((it) => it === 200).length, statuses.at(-1)], [10, 429]);
    const spelled = await send("POST", "/api/v1/auth/login", { ...login, email: " A@B.test" });
    assert.ok(spelled.status === 429, "however the address is spelled");
    assert.equal((await send("POST", "/api/v1/auth/login", { ...login, email: "c@d.test" })).status, 200);
    assert.equal(calls.filter((it) => it.action === "users.login").length, 11);
  });

  it("turn a request away before its body is read", async () => {
    const { send, get } = await start({ env: { RATE_LIMIT: "1" } });
    await get("/api/v1/products");
    const reply = await send("POST", "/api/v1/auth/refresh", "{ not json", {
      "content-type": "application/json",
    });
    assert.equal(reply.status, 429);
  });

  it("leave providers' webhooks room for a burst", async () => {
    const { send } = await start({ env: { RATE_LIMIT: "2" } });
    for (let i = 0; i < 10; i++)
      assert.equal((await send("POST", "/api/v1/payments/webhooks/sandbox", "x")).status, 200);
  });

  it("leave health checks alone", async () => {
    const { get } = await start({ env: { RATE_LIMIT: "1" } });
    for (let i = 0; i < 5; i++) assert.equal((await get("/health/live")).status, 200);
  });

  it("answer 503 at once when as many requests run as may", async () => {
    const gates: (() => void)[] = [];
    const { get } = await start({
      env: { MAX_IN_FLIGHT: "2" },
      fakes: { "products.list": () => new Promise((resolve) => gates.push(() => resolve({ items: [] }))) },
    });
    const running = [get("/api/v1/products"), get("/api/v1/products")];
    await eventually("two requests run", () => gates.length === 2);
    const refused = await get("/api/v1/products");
    assert.deepEqual(
      [refused.status, refused.body.code, refused.headers.get("retry-after")],
      [503, "OVERLOADED", "1"],
    );
    assert.equal((await get("/health/live")).status, 200);
    for (const open of gates) open();
    assert.deepEqual(
      (await Promise.all(running)).map((it) => it.status),
      [200, 200],
    );
    const after = get("/api/v1/products");
    await eventually("there is room again", () => gates.length === 3);
    gates[2]?.();
    assert.equal((await after).status, 200);
  });

  it("count a request whose client has left until its work is done", async () => {
    const gates: (() => void)[] = [];
    const { broker, get, url } = await start({
      env: { MAX_IN_FLIGHT: "1" },
      fakes: {
        "products.list": () => new Promise((_, reject) => gates.push(() => reject(new Error("too late")))),
      },
    });
    const abort = new AbortController();
    const left = fetch(`${url}/api/v1/products`, { signal: abort.signal }).catch(() => "left");
    await eventually("a request runs", () => gates.length === 1);
    abort.abort();
    assert.equal(await left, "left");
    await eventually("the gateway has seen it leave", () =>
      broker.souk.operations.metrics().includes('status="499"'),
    );
    assert.equal((await get("/api/v1/products/lamp")).status, 503);
    gates[0]?.();
    await eventually("there is room again", async () => (await get("/api/v1/products/lamp")).status === 200);
  });

  it("end a client that sends its headers or its body too slowly", async () => {
    const { url } = await start({ options: { headersTimeout: 200, requestTimeout: 400 } });
    const slow = (bytes: string) =>
      new Promise<string>((resolve, reject) => {
        const { hostname, port } = new URL(url);
        const socket = createConnection(Number(port), hostname, () => socket.write(bytes));
        let answer = "";
        socket.setTimeout(10_000, () => reject(new Error("the gateway waited for ever")));
        socket.on("data", (chunk) => {
          answer += chunk;
        });
        socket.on("error", () => resolve(answer));
        socket.on("close", () => resolve(answer));
      });
    assert.match(
      await slow("GET /api/v1/products HTTP/1.1\r\nHost: x\r\nX-Slow"),
      /^HTTP\/1.1 408 [\s\S]*"code":"SLOW_REQUEST"/,
    );
    const body = await slow(
      "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{",
    );
    assert.match(body, /^HTTP\/1.1 408 [\s\S]*"code":"SLOW_REQUEST"/);
  });

  it("share their counts through Redis, so that two gateways are no way around them", async () => {
    const env = {
      RATE_LIMIT: "4",
      NAMESPACE: `test-${newId()}`,
      REDIS_URL: process.env.REDIS_URL ?? "redis://127.0.0.1:6379",
    };
    const first = await start({ env });
    const second = await startGateway({ env });
    try {
      const sub = newId();
      const authorization = `Bearer ${await first.token(["customer"], sub)}`;
      const statuses = [];
      for (let i = 0; i < 3; i++)
        for (const it of [first, second])
          statuses.push((await it.get("/api/v1/users/me", { authorization })).status);
      assert.deepEqual(statuses.filter((it) => it === 200).length, 4, String(statuses));
      assert.deepEqual(statuses.slice(-2), [429, 429]);
    } finally {
      await second.stop();
    }
  });

  it("hold each gateway alone while Redis is away, and nothing fails for it", async () => {
    const { get } = await start({ env: { RATE_LIMIT: "2", REDIS_URL: "redis://127.0.0.1:1" } });
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await get("/api/v1/products")).status);
    assert.deepEqual(statuses, [200, 200, 429]);
  });
});

describe("the gateway's health", () => {
  it("is ready when services, bus and database are, and says what is missing", async () => {
    const bus = { state: "connected" };
    const lacks: string[] = [];
    const gateway = await startGateway({
      absent: ["cart"],
      runtime: {
        bus: standIn(bus),
        pingDatabase: async () => {
          if (lacks.includes("database")) throw new Error("mongodb://secret@host refused");
        },
      },
    });
    try {
      const names = async () => {
        const { status, body } = await gateway.get("/health/ready");
        return [status, ...(body.missing ?? []).map((it: { check: string }) => it.check)];
      };
      assert.deepEqual(await names(), [503, "service cart"]);
      gateway.broker.createService({ name: "cart", actions: { get: () => null } });
      await eventually("the cart is known", async () => (await names())[0] === 200);
      bus.state = "connecting";
      assert.deepEqual(await names(), [503, "bus"]);
      lacks.push("database");
      const { text } = await gateway.get("/health/ready");
      assert.deepEqual(await names(), [503, "bus", "database"]);
      assert.ok(!text.includes("secret"));
      assert.equal((await gateway.get("/health/live")).status, 200);
    } finally {
      await gateway.stop();
    }
  });
});

describe("a gateway that stops", () => {
  it("finishes what runs, takes nothing new, and closes its connections", async () => {
    let open: ((value: unknown) => void) | undefined;
    const gateway = await startGateway({
      fakes: {
        "products.list": () =>
          new Promise((resolve) => {
            open = resolve;
          }),
      },
    });
    const running = gateway.get("/api/v1/products");
    const idle = await keptAlive(gateway.url);
    await eventually("a request runs", () => open !== undefined);
    const stopped = gateway.api.drain();
    await eventually("nothing new is taken", () =>
      gateway.get("/health/live").then(
        () => false,
        () => true,
      ),
    );
    open?.({ items: [] });
    const { status, body } = await running;
    assert.deepEqual([status, body], [200, { items: [] }]);
    await stopped;
    assert.ok(await idle.closed);
    await gateway.stop();
  });

  it("says first that it is not ready, and takes requests until load balancers have noticed", async () => {
    const gateway = await startGateway({
      env: { SHUTDOWN_DELAY: "1s" },
      fakes: { "products.list": () => ({ items: [] }) },
    });
    const stopped = gateway.api.drain();
    const ready = await gateway.get("/health/ready");
    assert.equal(ready.status, 503);
    assert.deepEqual(ready.body.missing, [{ check: "gateway", reason: "is stopping" }]);
    const late = await gateway.get("/api/v1/products");
    assert.deepEqual([late.status, late.headers.get("connection")], [200, "close"]);
    await stopped;
    await assert.rejects(gateway.get("/health/live"));
    await gateway.stop();
  });

  it("does not wait longer than it may", async () => {
    const gateway = await startGateway({
      env: { SHUTDOWN_TIMEOUT: "100ms" },
      fakes: { "products.list": () => new Promise(() => undefined) },
    });
    const running = gateway.get("/api/v1/products").then(
      () => "answered",
      () => "cut",
    );
    await eventually("a request runs", () => gateway.calls.some((it) => it.action === "products.list"));
    await gateway.api.drain();
    assert.equal(await running, "cut");
    await gateway.stop();
  });
});

/** A connection that has had one reply and waits for more. */
async function keptAlive(url: string): Promise<{ closed: Promise<boolean> }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const closed = new Promise<boolean>((resolve) => socket.once("close", () => resolve(true)));
  await new Promise<void>((resolve) => {
    socket.once("data", () => resolve());
    socket.write("GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n");
  });
  return { closed };
}

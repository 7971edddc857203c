/** Attacks on the gateway's slots, and the service for an honest caller meanwhile. Prints its measurements. */
import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../../../souk/testing/eventually.ts";
import { bytesOf, type RawClient, rawClient } from "../../support/servers/raw-client.ts";
import { startGateway, type TestGateway } from "./support.ts";

const ATTACKER = "127.0.0.1";
const HONEST = "127.0.0.2";
const CONNECTIONS = 600;
const PLACES = 512;
const SHARE = 32;
const PRODUCTS = Array.from({ length: 100 }, (_, i) => ({ id: i, name: "x".repeat(5_000) }));

interface Served {
  asked: number;
  served: number;
  /** Milliseconds. */
  worst: number;
}

/** Reads and writes from its own address, repeatedly, until it is stopped. */
function honestCaller(url: string) {
  const agent = new Agent({ keepAlive: true, localAddress: HONEST });
  const result: Served = { asked: 0, served: 0, worst: 0 };
  const other: number[] = [];
  let stopped = false;
  const ask = (method: string, path: string, body?: string) =>
    new Promise<void>((resolve) => {
      const begun = performance.now();
      result.asked++;
      const end = (status: number) => {
        result.worst = Math.max(result.worst, performance.now() - begun);
        if (status === 200) result.served++;
        else other.push(status);
        resolve();
      };
      const headers = body === undefined ? {} : { "content-type": "application/json" };
      const sent = request(`${url}/api/v1${path}`, { agent, method, headers }, (res) => {
        res.on("error", () => end(0));
        res.resume().on("end", () => end(res.statusCode ?? 0));
      });
      sent.on("error", () => end(0));
      sent.end(body);
    });
  const running = (async () => {
    while (!stopped) {
      await Promise.all([
        ask("GET", "/products?limit=100"),
        ask("POST", "/auth/login", JSON.stringify({ email: "ann@shop.test", password: "a-long-one" })),
      ]);
      await sleep(20);
    }
  })();
  return {
    other,
    async stop(): Promise<Served> {
      stopped = true;
      await running;
      agent.destroy();
      return result;
    },
  };
}

/** The largest number of each at any time. */
function watchPlaces({ broker }: TestGateway) {
  const most = { requests_in_flight: 0, bodies: 0 };
  let stopped = false;
  const look = () => {
    const text = broker.souk.operations.metrics();
    for (const name of ["requests_in_flight", "bodies"] as const) {
      const now = Number(new RegExp(`^souk_http_${name} (\\d+)$`, "m").exec(text)?.[1]);
      most[name] = Math.max(most[name], now);
    }
  };
  const running = (async () => {
    while (!stopped) {
      look();
      await sleep(10);
    }
  })();
  return {
    most,
    async stop() {
      stopped = true;
      await running;
    },
  };
}

describe("An attack on the gateway's places", function () {
  this.timeout(60_000);
  let gateway: TestGateway;
  let clients: RawClient[];
  before(async () => {
    gateway = await startGateway({
      env: { RATE_LIMIT: "1000000", WRITE_TIMEOUT: "3s", MAX_IN_FLIGHT: String(PLACES) },
      fakes: {
        "products.list": () => ({ items: PRODUCTS, nextCursor: null }),
        "users.login": () => ({ accessToken: "x" }),
      },
    });
  });
  beforeEach(() => {
    clients = [];
  });
  afterEach(() => {
    for (const { socket } of clients) socket.destroy();
  });
  after(() => gateway?.stop());

  const attack = async (bytes: string, deaf: boolean) => {
    for (let i = 0; i < CONNECTIONS; i++) {
      const client = await rawClient(gateway.url, { from: ATTACKER, deaf });
      client.write(bytes);
      clients.push(client);
    }
  };

  /** An honest caller before, during and after. None of its requests is refused. */
  async function duringAttack(title: string, ms: number, begin: () => Promise<void>): Promise<Served> {
    const honest = honestCaller(gateway.url);
    const places = watchPlaces(gateway);
    await sleep(200);
    await begin();
    await sleep(ms);
    await places.stop();
    const result = await honest.stop();
    const { requests_in_flight, bodies } = places.most;
    console.log(
      `      ${title}: ${result.served} of ${result.asked} honest requests served, the slowest in ${Math.round(result.worst)} ms; ` +
        `at most ${requests_in_flight} of ${PLACES} places and ${bodies} bodies held`,
    );
    assert.deepEqual(honest.other, []);
    assert.equal(result.served, result.asked);
    assert.ok(result.asked > 20);
    // The honest caller has two at once at most.
    assert.ok(requests_in_flight <= SHARE + 2, `${requests_in_flight} places`);
    assert.ok(bodies <= SHARE + 2, `${bodies} bodies`);
    return result;
  }

  it("by bodies that do not come leaves the others theirs, and is over in seconds", async () => {
    const slow = bytesOf({
      method: "POST",
      path: "/api/v1/auth/login",
      headers: { "Content-Type": "application/json", "Content-Length": "100" },
    });
    await duringAttack("600 bodies of one byte", 6_500, () => attack(`${slow}{`, false));
    const statuses = () => clients.flatMap((it) => it.statuses());
    await eventually("all are answered", () => statuses().length === CONNECTIONS);
    const count = (status: number) => statuses().filter((it) => it === status).length;
    console.log(`      the attacker: ${count(429)} × 429 at once, ${count(408)} × 408 after 5 s`);
    assert.equal(count(429) + count(408), CONNECTIONS);
    // A machine that takes seconds to open 600 connections assigns slots twice.
    assert.ok(count(408) >= SHARE && count(408) <= 3 * SHARE);
    await eventually("all are closed", () => clients.every((it) => it.socket.destroyed));
  });

  it("by answers that nobody takes leaves the others theirs, and is over in seconds", async () => {
    const lists = bytesOf({ path: "/api/v1/products?limit=100" }).repeat(16);
    await duringAttack("600 connections with 16 lists each that are not read", 6_000, () =>
      attack(lists, true),
    );
    for (const { socket } of clients) socket.destroy();
    const held = () =>
      /^souk_http_requests_in_flight (\d+)$/m.exec(gateway.broker.souk.operations.metrics())?.[1];
    await eventually("nothing is held", () => held() === "0");
  });

  it("by both at once, and by a connection that sends requests without end, is no different", async () => {
    const slow = bytesOf({
      method: "POST",
      path: "/api/v1/auth/login",
      headers: { "Content-Type": "application/json", "Content-Length": "90000" },
    });
    const list = bytesOf({ path: "/api/v1/products?limit=100" });
    await duringAttack("all of it together", 6_000, async () => {
      for (let i = 0; i < 200; i++) {
        const [a, b, c] = await Promise.all([
          rawClient(gateway.url, { from: ATTACKER }),
          rawClient(gateway.url, { from: ATTACKER, deaf: true }),
          rawClient(gateway.url, { from: ATTACKER, deaf: true }),
        ]);
        clients.push(a, b, c);
        a.write(`${slow}{`);
        b.write(list.repeat(16));
        c.write(list.repeat(900));
      }
    });
  });
});

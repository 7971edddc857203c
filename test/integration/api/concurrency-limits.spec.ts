/** How much of the gateway one caller, and one address, may use at once. */
import assert from "node:assert/strict";
import { newId } from "../../../broker/contract/ids.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { bytesOf, type RawClient, rawClient } from "../../support/servers/raw-client.ts";
import { type GatewaySetup, startGateway, type TestGateway } from "./support.ts";

const path = "/api/v1/products";
const login = bytesOf({
  method: "POST",
  path: "/api/v1/auth/login",
  headers: { "Content-Type": "application/json", "Content-Length": "100" },
});

describe("A caller's share of the gateway", () => {
  let gateway: TestGateway | undefined;
  let gates: (() => void)[];
  let clients: RawClient[];
  beforeEach(() => {
    gates = [];
    clients = [];
  });
  afterEach(async () => {
    for (const open of gates) open();
    for (const { socket } of clients) socket.destroy();
    await gateway?.stop();
    gateway = undefined;
  });

  /** Lists of products wait until their gate is opened; single products do not. */
  const start = async (env: Record<string, string>, setup: GatewaySetup = {}): Promise<TestGateway> => {
    gateway = await startGateway({
      env,
      ...setup,
      fakes: {
        "products.list": () => new Promise((resolve) => gates.push(() => resolve({ items: [] }))),
        "products.get": () => ({ id: "x", version: 1 }),
        ...setup.fakes,
      },
    });
    return gateway;
  };
  const client = async (from?: string): Promise<RawClient> => {
    const made = await rawClient(gateway?.url ?? "", from ? { from } : {});
    clients.push(made);
    return made;
  };
  const ask = async (from: string | undefined, headers: Record<string, string> = {}) => {
    const it = await client(from);
    it.write(bytesOf({ path: `${path}/lamp`, headers }));
    await eventually("there is an answer", () => it.statuses().length === 1);
    return it;
  };
  const occupy = async (n: number, from: string | undefined, headers: Record<string, string> = {}) => {
    const before = gates.length;
    for (let i = 0; i < n; i++) (await client(from)).write(bytesOf({ path, headers }));
    await eventually(`${n} requests run`, () => gates.length === before + n);
  };
  const auth = async (sub = newId()) => ({
    authorization: `Bearer ${await gateway?.token(["customer"], sub)}`,
  });

  it("is bounded for a user, wherever the requests come from; others have theirs", async () => {
    await start({ MAX_IN_FLIGHT_PER_CALLER: "2" });
    const [ann, bob] = [await auth(), await auth()];
    await occupy(1, "127.0.0.1", ann);
    await occupy(1, "127.0.0.2", ann);
    const refused = await ask("127.0.0.3", ann);
    assert.match(refused.text(), /^HTTP\/1\.1 429 [\s\S]*Retry-After: 1\r\n[\s\S]*"code":"RATE_LIMITED"/);
    assert.match(refused.text(), /At most 2 requests at once from one caller\./);
    assert.deepEqual((await ask("127.0.0.1", bob)).statuses(), [200]);
    assert.deepEqual((await ask("127.0.0.1")).statuses(), [200]);
    gates[0]?.();
    await eventually("there is room again", async () => (await ask("127.0.0.3", ann)).statuses()[0] === 200);
  });

  it("is bounded for the guests of an address; who has signed in there, and other addresses, have theirs", async () => {
    await start({ MAX_IN_FLIGHT_PER_CALLER: "2" });
    await occupy(2, "127.0.0.1");
    assert.deepEqual((await ask("127.0.0.1")).statuses(), [429]);
    assert.deepEqual((await ask("127.0.0.1", await auth())).statuses(), [200]);
    assert.deepEqual((await ask("127.0.0.2")).statuses(), [200]);
  });

  it("is bounded for an address, however many users it pretends to be", async () => {
    await start({ MAX_IN_FLIGHT_PER_ADDRESS: "3" });
    for (let i = 0; i < 3; i++) await occupy(1, "127.0.0.1", await auth());
    const refused = await ask("127.0.0.1", await auth());
    assert.match(refused.text(), /^HTTP\/1\.1 429 [\s\S]*Retry-After: 1\r\n[\s\S]*"code":"RATE_LIMITED"/);
    assert.deepEqual((await ask("127.0.0.2")).statuses(), [200]);
  });

  it("goes by the client's address behind a proxy, in whatever way it is written", async () => {
    await start({ MAX_IN_FLIGHT_PER_CALLER: "1", TRUST_PROXY: "1" });
    const from = (address: string) => ({ "x-forwarded-for": address });
    await occupy(1, undefined, from("203.0.113.7"));
    await occupy(1, undefined, from("2001:db8:0:0::1"));
    for (const [address, status] of [
      ["203.0.113.7", 429],
      ["::ffff:203.0.113.7", 429],
      ["::FFFF:cb00:7107", 429],
      ["203.0.113.8", 200],
      ["2001:DB8::2", 429],
      ["2001:0db8:0000:0000:ffff::2", 429],
      ["2001:db8:0:1::2", 200],
    ] as const)
      assert.deepEqual((await ask(undefined, from(address))).statuses(), [status], address);
  });

  it("is as large as 32 for a caller and 128 for an address; unbounded where RATE_LIMIT is off", async () => {
    await start({ RATE_LIMIT: "1000000" });
    await occupy(32, "127.0.0.1");
    assert.deepEqual((await ask("127.0.0.1")).statuses(), [429]);
    for (let i = 0; i < 96; i++) await occupy(1, "127.0.0.1", await auth());
    assert.deepEqual((await ask("127.0.0.1", await auth())).statuses(), [429]);
    assert.deepEqual((await ask("127.0.0.2")).statuses(), [200]);
    for (const open of gates) open();
    await gateway?.stop();
    gates = [];
    await start({});
    await occupy(150, "127.0.0.1");
    assert.deepEqual((await ask("127.0.0.1")).statuses(), [200]);
  });

  it("has as many bodies on their way, which take no place of requests", async () => {
    await start({ MAX_IN_FLIGHT: "3", MAX_IN_FLIGHT_PER_CALLER: "2" });
    for (let i = 0; i < 2; i++) (await client("127.0.0.1")).write(`${login}{`);
    const third = await client("127.0.0.1");
    third.write(`${login}{`);
    await third.closed;
    assert.match(third.text(), /^HTTP\/1\.1 429 [\s\S]*Retry-After: 1\r\n[\s\S]*At most 2 bodies at once/);
    await occupy(2, "127.0.0.1");
    const other = await client("127.0.0.2");
    other.write(`${login}{`);
    const fourth = await client("127.0.0.3");
    fourth.write(`${login}{`);
    await fourth.closed;
    assert.match(fourth.text(), /^HTTP\/1\.1 503 [\s\S]*Retry-After: 1\r\n[\s\S]*"code":"OVERLOADED"/);
    assert.deepEqual((await ask("127.0.0.2")).statuses(), [200]);
    for (const open of gates) open();
    clients[0]?.socket.destroy();
    await eventually("a place is free when its upload breaks off", async () => {
      const again = await client("127.0.0.1");
      again.write(login + JSON.stringify({ email: "a@b.test", password: "guess" }).padEnd(100));
      await eventually("there is an answer", () => again.statuses().length === 1);
      return again.statuses()[0] === 200;
    });
  });

  it("has a provider's reports as an address has them, not as one caller", async () => {
    await start(
      { MAX_IN_FLIGHT_PER_CALLER: "1", MAX_IN_FLIGHT_PER_ADDRESS: "3" },
      {
        fakes: {
          "payments.webhook": () => new Promise((resolve) => gates.push(() => resolve({ received: true }))),
        },
      },
    );
    const report = bytesOf({ method: "POST", path: "/api/v1/payments/webhooks/sandbox", body: "{}" });
    const sent: RawClient[] = [];
    for (let i = 0; i < 4; i++) {
      const it = await client();
      it.write(report);
      sent.push(it);
    }
    await eventually("one is refused", () => sent.some((it) => it.statuses().length === 1));
    assert.equal(sent.flatMap((it) => it.statuses()).join(), "429");
    assert.equal(gates.length, 3);
  });

  it("has event streams bounded for a user, an address and in all", async () => {
    await start(
      { MAX_STREAMS: "4", MAX_STREAMS_PER_CALLER: "2", MAX_STREAMS_PER_ADDRESS: "3" },
      {
        fakes: {
          "orders.events": ({ params }) => ({ id: params.id, version: 1, status: "placed" }),
          "orders.next": () => new Promise((resolve) => setTimeout(() => resolve(null), 100)),
        },
      },
    );
    const follow = async (from: string, headers: Record<string, string>) => {
      const it = await client(from);
      it.write(bytesOf({ path: `/api/v1/orders/${newId()}/events`, headers }));
      await eventually("there is an answer", () => it.statuses().length === 1);
      return it;
    };
    const ann = await auth();
    const first = await follow("127.0.0.1", ann);
    assert.deepEqual(first.statuses(), [200]);
    assert.deepEqual((await follow("127.0.0.2", ann)).statuses(), [200]);
    assert.match((await follow("127.0.0.3", ann)).text(), /^HTTP\/1\.1 429 [\s\S]*At most 2 event streams/);
    assert.deepEqual((await follow("127.0.0.1", await auth())).statuses(), [200]);
    assert.deepEqual((await follow("127.0.0.1", await auth())).statuses(), [200]);
    assert.match((await follow("127.0.0.3", await auth())).text(), /^HTTP\/1\.1 503 /);
    first.socket.destroy();
    await eventually(
      "there is room again",
      async () => (await follow("127.0.0.3", ann)).statuses()[0] === 200,
    );
  });
});

import assert from "node:assert/strict";
import { SoukError } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { startGateway, type TestGateway } from "./support.ts";

interface Order {
  id: string;
  version: number;
  status: string;
}

/** The state of `orders`, and all callers that wait for its next version. */
class FakeOrder {
  state: Order;
  readonly #waiting = new Set<() => void>();

  constructor(id: string) {
    this.state = { id, version: 1, status: "placed" };
  }

  become(status: string): void {
    this.state = { ...this.state, version: this.state.version + 1, status };
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  async next(after: number, waitMs: number): Promise<Order | null> {
    if (this.state.version > after) return this.state;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(waitMs, 100));
      this.#waiting.add(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    return this.state.version > after ? this.state : null;
  }
}

describe("an order's events", () => {
  let gateway: TestGateway;
  let order: FakeOrder;
  let owner: string;
  let failing: Error | undefined;
  const time = { offset: 0 };
  const clock: Clock = { now: () => Date.now() + time.offset };

  beforeEach(async () => {
    owner = newId();
    order = new FakeOrder(newId());
    failing = undefined;
    time.offset = 0;
    gateway = await startGateway({
      clock,
      fakes: {
        "orders.events": ({ params, meta }) => {
          if (!meta.user) throw new SoukError("UNAUTHENTICATED");
          if (params.id !== order.state.id || meta.user?.id !== owner) throw new SoukError("NOT_FOUND");
          return order.state;
        },
        "orders.next": ({ params }) => {
          if (failing) throw failing;
          return order.next(Number(params.after), Number(params.waitMs));
        },
      },
    });
  });
  afterEach(() => gateway.stop());

  const follow = async (headers: Record<string, string> = {}, sub = owner) => {
    const abort = new AbortController();
    const response = await fetch(`${gateway.url}/api/v1/orders/${order.state.id}/events`, {
      headers: { authorization: `Bearer ${await gateway.token(["customer"], sub)}`, ...headers },
      signal: abort.signal,
    });
    return { response, leave: () => abort.abort() };
  };
  const read = async (
    { body }: Response,
    until: (events: string[]) => boolean = () => false,
  ): Promise<string[]> => {
    const events: string[] = [];
    let rest = "";
    for await (const chunk of body ?? []) {
      const parts = (rest + Buffer.from(chunk).toString()).split("\n\n");
      rest = parts.pop() ?? "";
      events.push(...parts.filter((it) => !it.startsWith(":")));
      if (until(events)) break;
    }
    return events;
  };
  const ids = (events: readonly string[]) => events.map((it) => /^id: (\d+)$/m.exec(it)?.[1]);

  it("begin with the order as it is, follow its changes, and end with it", async () => {
    const { response } = await follow({ accept: "text/event-stream" });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    assert.equal(response.headers.get("cache-control"), "no-store");
    const all = read(response);
    await eventually(
      "the stream waits",
      () => gateway.calls.filter((it) => it.action === "orders.next").length >= 2,
    );
    order.become("awaiting_payment");
    await eventually("the change was seen", () => gateway.calls.some((it) => it.params.after === 2));
    order.become("cancelled");
    const events = await all;
    assert.deepEqual(ids(events), ["1", "2", "3"]);
    assert.match(events[2] ?? "", /^event: order\nid: 3\ndata: \{.*"status":"cancelled".*\}$/);
  });

  it("go on after the last one that was seen", async () => {
    order.become("awaiting_payment");
    order.become("cancelled");
    const { response } = await follow({ "last-event-id": "2" });
    assert.deepEqual(ids(await read(response)), ["3"]);
    const { response: odd } = await follow({ "last-event-id": "x; DROP" });
    assert.deepEqual(ids(await read(odd)), ["3"]);
  });

  it("are not found by anybody but its owner, as a problem document", async () => {
    const { response } = await follow({}, newId());
    assert.equal(response.status, 404);
    assert.equal(response.headers.get("content-type"), "application/problem+json");
    assert.equal((await gateway.get(`/api/v1/orders/${order.state.id}/events`)).status, 401);
    assert.ok(!gateway.calls.some((it) => it.action === "orders.next"));
  });

  it("survive a service that is away for a moment", async () => {
    const { response } = await follow();
    const all = read(response);
    await eventually(
      "the stream waits",
      () => gateway.calls.filter((it) => it.action === "orders.next").length >= 2,
    );
    failing = new SoukError("UNAVAILABLE");
    order.become("awaiting_payment");
    const failed = gateway.calls.length;
    await eventually("it has failed once", () => gateway.calls.length > failed);
    failing = undefined;
    order.become("cancelled");
    const seen = ids(await all);
    assert.equal(seen.at(-1), "3");
  });

  it("cost nothing any more when the reader has left", async () => {
    const { response, leave } = await follow();
    await read(response, (events) => events.length === 1);
    leave();
    await eventually("nobody asks any more", async () => {
      const before = gateway.calls.length;
      await new Promise((resolve) => setTimeout(resolve, 250));
      return gateway.calls.length === before;
    });
  });

  it("are limited in number for one user", async () => {
    const streams = await Promise.all(Array.from({ length: 5 }, () => follow()));
    assert.deepEqual(
      streams.map((it) => it.response.status),
      [200, 200, 200, 200, 200],
    );
    const sixth = await follow();
    assert.equal(sixth.response.status, 429);
    await sixth.response.text();
    streams[0]?.leave();
    await eventually("there is room again", async () => {
      const again = await follow();
      again.leave();
      return again.response.status === 200;
    });
    for (const it of streams) it.leave();
  });

  it("end when the gateway stops, which they do not delay", async () => {
    const { response } = await follow();
    const all = read(response);
    await eventually("the stream is open", () => gateway.calls.some((it) => it.action === "orders.next"));
    const before = Date.now();
    await gateway.api.drain();
    assert.deepEqual(ids(await all), ["1"]);
    assert.ok(Date.now() - before < 1_500, "the time-out was not needed");
  });

  it("end with the caller's token", async () => {
    const token = `Bearer ${await gateway.token(["customer"], owner)}`;
    // Verified before it expires, so that its last half second opens the stream.
    await gateway.get("/api/v1/users/me", { authorization: token });
    time.offset = 899_500;
    const { response } = await follow({ authorization: token });
    assert.equal(response.status, 200);
    assert.deepEqual(ids(await read(response)), ["1"]);
  });

  it("end when the caller's session does", async function () {
    this.timeout(15_000);
    const { response } = await follow();
    const all = read(response);
    await eventually("the stream is open", () => gateway.calls.some((it) => it.action === "orders.next"));
    gateway.end(owner);
    gateway.broker.broadcast("users.notified", { subject: owner }, ["users"]);
    assert.deepEqual(ids(await all), ["1"]);
  });
});

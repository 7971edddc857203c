/** Webhooks of a whole shop, to receivers that check signatures with another library. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { envelope } from "../../../broker/contract/envelope.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { followEvents } from "../../../scripts/support/webhooks/follow-events.ts";
import {
  type ForwardedEvent,
  forwardEvent,
  isEvent,
} from "../../../scripts/support/webhooks/forward-event.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { freePort } from "../../../souk/testing/free-port.ts";
import { firstAdmin, type Person, paidOrder, putOnSale, signUp } from "../../../souk/testing/people.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";
import { type Receiver, startReceiver } from "../../support/webhook-endpoint.ts";

interface Endpoint {
  id: string;
  secret: string;
  status: string;
  disabledReason: string | null;
}
interface Delivery {
  id: string;
  type: string;
  status: string;
  attempts: number;
  lastAttempts: { status: number | null; error: string | null; answer: string }[];
}

describe("webhooks", function () {
  this.timeout(60_000);
  let shop: Shop;
  let admin: Person;
  const open: Receiver[] = [];

  before(async () => {
    shop = await startShop({
      env: {
        WEBHOOKS_ALLOW_PRIVATE: "1",
        WEBHOOKS_RETRY_FIRST: "20ms",
        WEBHOOKS_TIMEOUT: "1s",
        WEBHOOKS_CONCURRENCY: "4",
      },
    });
    admin = await firstAdmin(shop.http);
  });
  after(async () => {
    await Promise.all(open.map((it) => it.close()));
    await shop.stop();
  });

  async function endpointFor(
    types: string[],
  ): Promise<{ receiver: Receiver; endpoint: Endpoint; path: string }> {
    const receiver = await startReceiver();
    open.push(receiver);
    const endpoint = await admin.http.expect<Endpoint>(201, "POST", "/webhook-endpoints", {
      body: { url: receiver.url, types },
    });
    receiver.secrets = [endpoint.secret];
    return { receiver, endpoint, path: `/webhook-endpoints/${endpoint.id}` };
  }

  /** An event that no service of the shop receives. */
  const happen = (subject: string, n: number) =>
    shop.node.runtime.bus.publish(
      envelope(
        "webhook_endpoint.tested",
        subject,
        { host: String(n) },
        { source: "/webhooks", at: Date.now() },
      ),
    );
  const log = async (path: string, query = "") =>
    await admin.http.expect<{ items: Delivery[]; nextCursor: string | null }>(
      200,
      "GET",
      `${path}/deliveries${query}`,
    );

  it("tells of an order once, signed, in the form of the messages", async () => {
    const { receiver, path } = await endpointFor(["order.*"]);
    const customer = await signUp(shop.http);
    const { sku } = await putOnSale(admin);
    const { id } = await paidOrder(customer, sku);
    const { event, headers } = await eventually(
      "the order is told of",
      async () => receiver.got.find((it) => it.event.type === "order.paid") ?? false,
    );
    assert.equal(event.subject, id);
    assert.equal(headers["content-type"], "application/cloudevents+json");
    assert.equal(new Set(receiver.got.map((it) => it.id)).size, receiver.got.length);
    assert.ok(receiver.got.every((it) => it.event.type.startsWith("order.")));
    const { items } = await eventually("the log has it", async () => {
      const page = await log(path, "?status=delivered");
      return page.items.some((it) => it.type === "order.paid") && page;
    });
    assert.equal(items[0]?.lastAttempts[0]?.status, 204);
    assert.deepEqual(receiver.refused, []);
  });

  it("keeps the order of a subject while requests fail, and other subjects do not wait", async () => {
    const { receiver } = await endpointFor(["webhook_endpoint.tested"]);
    const [slow, quick] = [newId(), newId()];
    let failures = 3;
    receiver.answer = ({ event }, res) => {
      const fails = event.subject === slow && failures-- > 0;
      res.writeHead(fails ? 500 : 200).end();
    };
    for (let n = 0; n < 5; n++) for (const subject of [slow, quick]) await happen(subject, n);
    const done = (subject: string) => receiver.got.filter((it) => it.event.subject === subject);
    await eventually("all have come", async () => done(slow).length === 8 && done(quick).length === 5);
    assert.deepEqual(
      done(slow).map((it) => it.event.data.host),
      ["0", "0", "0", "0", "1", "2", "3", "4"],
    );
    assert.deepEqual(
      done(quick).map((it) => it.event.data.host),
      ["0", "1", "2", "3", "4"],
    );
    assert.equal(new Set(receiver.got.map((it) => it.id)).size, 10);
  });

  it("is not held up by an endpoint that never answers", async () => {
    const hanging = await endpointFor(["webhook_endpoint.tested"]);
    const good = await endpointFor(["webhook_endpoint.tested"]);
    let [underWay, most] = [0, 0];
    hanging.receiver.answer = (_, res) => {
      underWay++;
      most = Math.max(most, underWay);
      res.once("close", () => underWay--);
    };
    for (let n = 0; n < 20; n++) await happen(newId(), n);
    await eventually("the other has all", async () => good.receiver.got.length === 20, 30_000);
    assert.ok(most <= 4, `${most} requests at once`);
    const { items } = await eventually("the time is over", async () => {
      const page = await log(hanging.path);
      return page.items.some((it) => it.attempts > 0) && page;
    });
    const tried = items.find((it) => it.attempts > 0);
    assert.equal(tried?.lastAttempts[0]?.error, "no answer within 1000 ms");
    await admin.http.expect(204, "DELETE", hanging.path);
    assert.equal((await admin.http.request("GET", hanging.path)).status, 404);
  });

  it("refuses redirects, and reads little of a long answer", async () => {
    const { receiver, path } = await endpointFor(["webhook_endpoint.tested"]);
    receiver.answer = (_, res) => res.writeHead(302, { location: "http://169.254.169.254/" }).end();
    const { id } = await admin.http.expect<Delivery>(202, "POST", `${path}/test`);
    await eventually("it has failed", async () => {
      const { lastAttempts } = await admin.http.expect<Delivery>(200, "GET", `/webhook-deliveries/${id}`);
      return lastAttempts[0]?.error === "redirects are not followed";
    });
    receiver.answer = (_, res) => {
      res.writeHead(200);
      const more = () => {
        while (!res.destroyed && res.write("x".repeat(10_000)));
        res.once("drain", more);
      };
      more();
    };
    const { lastAttempts } = await eventually("it is delivered", async () => {
      const now = await admin.http.expect<Delivery>(200, "GET", `/webhook-deliveries/${id}`);
      return now.status === "delivered" && now;
    });
    assert.equal(lastAttempts.at(-1)?.answer, "x".repeat(1_024));
  });

  it("signs with both secrets after a rotation", async () => {
    const { receiver, path, endpoint } = await endpointFor(["webhook_endpoint.tested"]);
    const { secret } = await admin.http.expect<Endpoint>(201, "POST", `${path}/secret-rotations`);
    assert.notEqual(secret, endpoint.secret);
    for (const good of [secret, endpoint.secret]) {
      receiver.secrets = [good];
      await happen(newId(), 0);
      await eventually("it is good", async () => receiver.got.length > 0);
      receiver.got.length = 0;
    }
    assert.deepEqual(receiver.refused, []);
    const listed = JSON.stringify((await admin.http.request("GET", "/webhook-endpoints")).body);
    assert.ok(!listed.includes("whsec_"));
  });

  it("disables an endpoint that is gone at once, and goes on when it is enabled", async () => {
    const { receiver, path } = await endpointFor(["webhook_endpoint.*"]);
    const others = await endpointFor(["webhook_endpoint.disabled"]);
    receiver.answer = (_, res) => res.writeHead(410).end();
    await happen(newId(), 0);
    await eventually("it is disabled", async () => {
      const { status, disabledReason } = await admin.http.expect<Endpoint>(200, "GET", path);
      return status === "disabled" && disabledReason === "gone";
    });
    await eventually("the others are told", async () =>
      others.receiver.got.some((it) => it.event.type === "webhook_endpoint.disabled"),
    );
    assert.equal((await admin.http.request("POST", `${path}/test`)).status, 409);
    await happen(newId(), 1);
    receiver.answer = (_, res) => res.writeHead(200).end();
    await admin.http.expect(200, "PATCH", path, { body: { enabled: true } });
    await happen(newId(), 2);
    await eventually("it gets events again", async () =>
      receiver.got.some((it) => it.event.data.host === "2"),
    );
    assert.ok(!receiver.got.some((it) => it.event.data.host === "1"));
  });

  it("sends one again, and all of a time, under the same ids", async () => {
    const from = new Date().toISOString();
    const { receiver, path } = await endpointFor(["webhook_endpoint.tested"]);
    for (let n = 0; n < 5; n++) await happen(newId(), n);
    await eventually("all have come", async () => receiver.got.length === 5);
    const ids = receiver.got.map((it) => it.id).sort();
    const { items } = await eventually("all are delivered", async () => {
      const page = await log(path, "?status=delivered");
      return page.items.length === 5 && page;
    });
    await admin.http.expect(202, "POST", `/webhook-deliveries/${items[0]?.id}/resend`);
    await eventually("it has come again", async () => receiver.got.length === 6);
    receiver.got.length = 0;
    const to = new Date(Date.now() + 1_000).toISOString();
    const resend = await admin.http.expect<{ id: string }>(202, "POST", `${path}/resends`, {
      body: { from, to },
    });
    await eventually("all have come again", async () => receiver.got.length === 5);
    assert.deepEqual(receiver.got.map((it) => it.id).sort(), ids);
    await eventually("it is done", async () => {
      const done = await admin.http.expect<{ status: string; deliveries: number }>(
        200,
        "GET",
        `${path}/resends/${resend.id}`,
      );
      return done.status === "done" && done.deliveries === 5;
    });
    const first = await log(path, "?limit=2");
    const second = await log(path, `?limit=2&cursor=${first.nextCursor}`);
    assert.equal(new Set([...first.items, ...second.items].map((it) => it.id)).size, 4);
  });

  it("refuses types that no event has", async () => {
    const body = { url: "https://example.com/", types: ["order.paid", "order.payed"] };
    const { status, body: problem } = await admin.http.request<{ errors: { field: string }[] }>(
      "POST",
      "/webhook-endpoints",
      { body },
    );
    assert.deepEqual([status, problem.errors[0]?.field], [422, "types[1]"]);
  });

  it("streams events to staff, who forward them to a local address and go on where they were", async () => {
    const receiver = await startReceiver();
    open.push(receiver);
    const key = randomBytes(32);
    receiver.secrets = [`whsec_${key.toString("base64")}`];
    const subject = newId();
    const follow = (
      onOpen: () => void,
      onEvent: (event: ForwardedEvent) => Promise<void>,
      lastId?: string,
    ) => {
      const stop = new AbortController();
      const ended = followEvents({
        url: shop.url,
        token: admin.accessToken,
        types: "webhook_endpoint.tested",
        signal: stop.signal,
        lastId,
        onOpen,
        onLost: () => undefined,
        async onEvent(event, id) {
          assert.ok(isEvent(event));
          if (event.subject === subject) await onEvent(event);
          if (event.subject === subject) lastIds.push(id);
        },
      });
      return {
        stop() {
          stop.abort();
          return ended;
        },
      };
    };
    const lastIds: string[] = [];
    let opened = false;
    const first = follow(
      () => {
        opened = true;
      },
      async (event) => assert.equal(await forwardEvent(event, receiver.url, key), "204"),
    );
    await eventually("the stream is open", async () => opened);
    for (let n = 0; n < 3; n++) await happen(subject, n);
    await eventually("all were forwarded", async () => receiver.got.length === 3);
    assert.deepEqual(
      receiver.got.map((it) => it.event.data.host),
      ["0", "1", "2"],
    );
    await first.stop();
    await happen(subject, 3);
    const later: string[] = [];
    const second = follow(
      () => undefined,
      async (event) => void later.push(event.id),
      lastIds[0],
    );
    await eventually("it goes on after the first", async () => later.length === 3);
    await second.stop();
    await assert.rejects(
      followEvents({
        url: shop.url,
        token: "none",
        types: undefined,
        signal: new AbortController().signal,
        onOpen: () => undefined,
        onLost: () => undefined,
        onEvent: async () => undefined,
      }),
      /the shop answers 401/,
    );
  });

  it("has a receiver in its guide that works", async () => {
    const [, code = ""] = /```js\n(.*?)```/s.exec(await readFile("docs/webhooks.md", "utf8")) ?? [];
    const key = `whsec_${randomBytes(32).toString("base64")}`;
    const port = await freePort();
    const receiver = spawn(process.execPath, ["--input-type=module", "-e", code], {
      env: { ...process.env, PORT: String(port), WEBHOOK_SECRET: key },
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      let printed = "";
      receiver.stdout.on("data", (it: Buffer) => {
        printed += it.toString();
      });
      const event = { id: newId(), type: "order.paid", subject: newId() };
      const post = (secret: string) =>
        forwardEvent(event, `http://127.0.0.1:${port}/`, Buffer.from(secret.slice(6), "base64"));
      await eventually("it answers", async () => (await post(key)) === "204");
      assert.equal(await post(key), "204");
      assert.equal(await post(`whsec_${randomBytes(32).toString("base64")}`), "401");
      assert.equal(printed, `order.paid ${event.subject}\n`);
    } finally {
      receiver.kill("SIGKILL");
    }
  });
});

/** The common behaviour of emulators, shown with a provider of two routes. */
import assert from "node:assert/strict";
import { systemClock } from "../../../../../broker/resilience/clock.ts";
import { eventually } from "../../../../../souk/testing/eventually.ts";
import {
  openWebhookReceiver,
  type WebhookReceiver,
} from "../../../../../test/support/providers/webhook-receiver.ts";
import { seededRandom } from "../../../../../test/support/seeded-random.ts";
import { type Emulator, noFaults } from "../../emulator.ts";
import { createKit } from "../emulator/kit.ts";

describe("what all emulators share", () => {
  let shop: WebhookReceiver;
  let emulator: Emulator;
  /** Payments that the toy provider has opened. */
  let opened: string[];
  const failures: number[] = [];

  before(async () => {
    shop = await openWebhookReceiver();
  });
  after(() => shop.close());
  beforeEach(async () => {
    shop.received.length = 0;
    shop.answer = () => 200;
    opened = [];
    failures.length = 0;
    const kit = createKit(
      {
        port: 0,
        webhookUrl: () => shop.url,
        timeScale: 1_000,
        clock: systemClock,
        random: seededRandom(7).next,
      },
      {
        timeoutMs: 1_000,
        retry(failed) {
          failures.push(failed);
          return failed < 3 ? 20_000 : null;
        },
      },
    );
    emulator = await kit.listen({
      name: "toy",
      routes: {
        "POST /payments/:id/open!": (call) => {
          const { id = "" } = call.params;
          opened.push(id);
          kit.webhookSender.send(
            { url: null, body: JSON.stringify({ id, amount: 100 }), headers: (it) => ({ signed: it }) },
            call,
          );
          kit.opened(id, call);
          return { status: 201, body: { id, form: call.form().get("a") } };
        },
      },
      errorAnswer: (status) => ({ status, body: { toy: status } }),
      environment: (url) => ({ TOY_API_BASE: url }),
      pay: (ref, outcome, cause) =>
        kit.webhookSender.send(
          { url: null, body: JSON.stringify({ ref, outcome }), headers: () => ({}) },
          cause,
        ),
      refundAtProvider: () => undefined,
      dispute: () => undefined,
      records: () =>
        opened.map((providerRef) => ({
          providerRef,
          paymentId: null,
          status: "open",
          amount: 100,
          currency: "USD",
          captured: 0,
          refunded: 0,
        })),
    });
  });
  afterEach(() => emulator.close());

  const open = (id: string) =>
    fetch(`${emulator.url}/payments/${id}/open!`, {
      method: "POST",
      body: "a=b%26c",
      signal: AbortSignal.timeout(300),
    });
  const steer = (path: string, body: object, method = "POST") =>
    fetch(`${emulator.url}/_sim/${path}`, { method, body: JSON.stringify(body) });
  const ids = () => shop.received.map((it) => JSON.parse(it.rawBody.toString()).id);

  it("answers, then sends its webhook", async () => {
    const response = await open("p1");
    assert.equal(response.status, 201);
    assert.deepEqual(await response.json(), { id: "p1", form: "b&c" });
    await emulator.idle();
    assert.deepEqual(ids(), ["p1"]);
    assert.equal((await fetch(`${emulator.url}/nothing`)).status, 404);
  });

  it("sends it before the answer when they race", async () => {
    emulator.knobs.webhooks = { ...noFaults().webhooks, race: true };
    await (await open("p1")).text();
    assert.deepEqual(ids(), ["p1"]);
  });

  it("repeats what is not taken by the provider's schedule, then gives up", async () => {
    shop.answer = () => 500;
    await open("p1");
    await emulator.idle();
    assert.deepEqual(ids(), ["p1", "p1", "p1"]);
    assert.deepEqual(failures, [1, 2, 3]);
  });

  it("takes silence for a failure", async () => {
    let answers = 0;
    shop.answer = () => (answers++ === 0 ? "never" : 200);
    await open("p1");
    await emulator.idle();
    assert.deepEqual(ids(), ["p1", "p1"]);
  });

  it("doubles, drops, and holds back until a later one has gone out", async () => {
    emulator.knobs.webhooks = { ...noFaults().webhooks, duplicate: 1 };
    await open("twice");
    await emulator.idle();
    assert.deepEqual(ids(), ["twice", "twice"]);
    emulator.knobs.webhooks = { ...noFaults().webhooks, drop: 1 };
    await open("lost");
    await emulator.idle();
    emulator.knobs.webhooks = { ...noFaults().webhooks, reorder: 1 };
    await open("early");
    emulator.knobs.webhooks = noFaults().webhooks;
    await open("late");
    await emulator.idle();
    assert.deepEqual(ids(), ["twice", "twice", "late", "early"]);
  });

  it("changes an amount after it was signed", async () => {
    emulator.knobs.webhooks = { ...noFaults().webhooks, tamper: 1 };
    await open("p1");
    await emulator.idle();
    const [webhook] = shop.received;
    assert.deepEqual(JSON.parse(webhook?.rawBody.toString() ?? ""), { id: "p1", amount: 200 });
    assert.deepEqual(JSON.parse(webhook?.headers.signed ?? ""), { id: "p1", amount: 100 });
  });

  it("fails as asked, so many times, on the routes that were named", async () => {
    emulator.knobs.api = [
      { route: "GET /payments/*/open!", times: 9, fault: 500 },
      { route: "POST /payments/*/open!", times: 2, fault: 503 },
    ];
    assert.deepEqual(
      [(await open("a")).status, (await open("a")).status, (await open("b")).status],
      [503, 503, 201],
    );
    assert.deepEqual(opened, ["b"]);
    assert.equal(emulator.knobs.api.length, 1);
  });

  it("does it and never answers, does it and cuts the line, cuts the line before", async () => {
    emulator.knobs.api = [{ times: 1, fault: "timeout" }];
    await assert.rejects(open("late"), { name: "TimeoutError" });
    emulator.knobs.api = [{ times: 1, fault: "reset" }];
    await assert.rejects(open("cut"), { name: "TypeError" });
    emulator.knobs.api = [{ times: 1, fault: "unreachable" }];
    await assert.rejects(open("away"), { name: "TypeError" });
    assert.deepEqual(opened, ["late", "cut"]);
    await emulator.idle();
    assert.deepEqual(ids(), ["late", "cut"]);
  });

  it("is steered over HTTP, out of reach of faults, and refuses what it does not understand", async () => {
    const faults = [{ times: 5, fault: 500 }];
    const changed = await steer("knobs", { webhooks: { delayMs: 3 }, api: faults }, "PATCH");
    assert.deepEqual(await changed.json(), {
      webhooks: { ...noFaults().webhooks, delayMs: 3 },
      api: faults,
      autopay: null,
    });
    assert.deepEqual(emulator.knobs.api, faults);
    for (const wrong of [{ webhooks: { drop: 2 } }, { api: [{ times: 1, fault: 418 }] }, { nonsense: 1 }])
      assert.equal((await steer("knobs", wrong, "PATCH")).status, 400);
    assert.equal((await steer("pay/p1", { outcome: "laugh" })).status, 400);
    assert.equal((await steer("pay/p1", { outcome: "succeed" })).status, 200);
    await emulator.idle();
    assert.equal(shop.received.length, 1);
    assert.deepEqual(await (await fetch(`${emulator.url}/_sim/records`)).json(), []);
  });

  it("has customers who pay by themselves, also before the answer", async () => {
    // A webhook that waits long for its answer is repeated.
    const told = () => [...new Set(shop.received.map((it) => it.rawBody.toString()))];
    emulator.knobs.autopay = { outcome: "decline", afterMs: 5 };
    await open("p1");
    await eventually("the customer pays", () => told().length === 2);
    assert.deepEqual(JSON.parse(told()[1] ?? ""), { ref: "p1", outcome: "decline" });
    emulator.knobs.autopay = { outcome: "succeed", afterMs: 0 };
    emulator.knobs.webhooks = { ...noFaults().webhooks, race: true };
    await open("p2");
    assert.equal(told().length, 4);
  });

  it("can be closed while webhooks wait", async () => {
    shop.answer = () => 500;
    emulator.knobs.webhooks = { ...noFaults().webhooks, delayMs: 3_600_000 };
    await open("p1");
    await emulator.close();
    await emulator.idle();
    assert.equal(shop.received.length, 0);
    emulator.close = async () => undefined;
  });
});

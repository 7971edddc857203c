/** The sandbox as a provider, through the common port. */
import assert from "node:assert/strict";
import { errorCode } from "../../../../../broker/contract/errors.ts";
import { newId } from "../../../../../broker/contract/ids.ts";
import "../../../../contracts.ts";
import { eventually } from "../../../../../souk/testing/eventually.ts";
import { movableClock } from "../../../../../souk/testing/movable-clock.ts";
import {
  never,
  paymentIntent,
  providerContext,
} from "../../../../../test/support/providers/provider-fixture.ts";
import {
  openWebhookFront,
  type Received,
  type WebhookFront,
} from "../../../../../test/support/providers/webhook-front.ts";
import {
  type MemoryDatabase,
  openMemoryDatabase,
} from "../../../../../test/support/servers/memory-database.ts";
import { type PaymentIntent, ProviderRefused, WebhookRejected } from "../../provider.ts";
import { sandboxPayments } from "../sandbox.model.ts";
import { type Sandbox, sandbox } from "../sandbox.ts";

const usd = (amount: number) => ({ amount, currency: "USD" });

describe("the sandbox provider", () => {
  const clock = movableClock();
  let database: MemoryDatabase;
  let front: WebhookFront;
  /** Two nodes. */
  let one: Sandbox;
  let other: Sandbox;

  const make = (): Sandbox =>
    sandbox.create(
      providerContext({}, clock, { publicUrl: front.url, database: database.service("payments") }),
    );

  before(async () => {
    database = await openMemoryDatabase();
    front = await openWebhookFront();
    one = make();
    other = make();
  });
  after(async () => {
    await Promise.all([one.stop?.(), other.stop?.()]);
    await front.close();
    await database.close();
  });
  beforeEach(() => {
    front.handle = async () => 200;
  });

  const bodyOf = ({ body }: Received) => Buffer.from(body, "base64");
  /** Webhooks about one payment. Others may still be in transit. */
  const received = (ref: string) =>
    front.received.filter((it) => JSON.parse(bodyOf(it).toString()).data.ref === ref);
  const intent = (changes: Partial<PaymentIntent> = {}) =>
    paymentIntent(clock, usd(1_000), { expiresAt: new Date(clock.now() + 60_000), ...changes });
  const open = async (changes: Partial<PaymentIntent> = {}) =>
    (await one.createPayment(intent(changes), never)).providerRef;
  const decide = (ref: string, changes: object = {}) =>
    one.decide(ref, { outcome: "succeed", delayMs: 0, times: 1, ...changes });
  const status = async (ref: string) => (await one.fetchStatus(ref, never)).status;
  const refund = (providerRef: string, amount: number, idempotencyKey = newId()) =>
    one.refund({ providerRef, receipt: null, amount: usd(amount), reason: "x", idempotencyKey }, never);

  it("opens one payment for one id, from whichever node", async () => {
    const same = intent();
    const opened = await Promise.all([one, other, one].map((it) => it.createPayment(same, never)));
    assert.equal(new Set(opened.map((it) => it.providerRef)).size, 1);
    assert.match(opened[0]?.providerRef ?? "", /^[\w-]{43}$/);
    assert.equal(
      await sandboxPayments(database.service("payments")).countDocuments({ paymentId: same.paymentId }),
      1,
    );
    await assert.rejects(one.createPayment({ ...same, amount: usd(999) }, never), ProviderRefused);
  });

  it("reports status without changing it", async () => {
    const ref = await open();
    assert.deepEqual(await one.fetchStatus(ref, never), {
      status: "pending",
      amount: null,
      receipt: null,
      reason: null,
      refunds: [],
    });
    await decide(ref, { amount: 900 });
    const report = await one.fetchStatus(ref, never);
    assert.deepEqual([report.status, report.amount], ["captured", usd(900)]);
    assert.match(report.receipt ?? "", /^SBX-/);
    const declined = await open();
    await decide(declined, { outcome: "decline" });
    assert.deepEqual(
      [await status(declined), (await one.fetchStatus(declined, never)).reason],
      ["failed", "card_declined"],
    );
    await assert.rejects(one.fetchStatus("unknown", never), ProviderRefused);
  });

  it("decides twice where the bank is slow: that it is, and how it ends, also after the time is over", async () => {
    for (const [outcome, end] of [
      ["succeed", "captured"],
      ["decline", "failed"],
    ] as const) {
      const ref = await open();
      await decide(ref, { outcome: "process" });
      assert.deepEqual(await one.fetchStatus(ref, never), {
        status: "processing",
        amount: null,
        receipt: null,
        reason: null,
        refunds: [],
      });
      await assert.rejects(decide(ref, { outcome: "process" }), (error) => errorCode(error) === "CONFLICT");
      await assert.rejects(one.cancel(ref, never), ProviderRefused);
      await assert.rejects(refund(ref, 1), ProviderRefused);
      clock.advance(120_000);
      assert.equal(await status(ref), "processing");
      // The first delivery is noted as done in the meantime, which must not take this one for done.
      await decide(ref, { outcome, delayMs: 400 });
      clock.advance(400);
      assert.equal(await status(ref), end);
      await eventually("both were told", () => received(ref).length === 2);
      const events = await Promise.all(
        received(ref).map(({ body, headers }) =>
          one.verifyWebhook({ rawBody: Buffer.from(body, "base64"), headers, key: null, address: null }),
        ),
      );
      assert.deepEqual(
        events.map((it) => it.status),
        ["processing", end],
      );
      assert.notEqual(events[0]?.eventId, events[1]?.eventId);
      await assert.rejects(decide(ref), (error) => errorCode(error) === "CONFLICT");
    }
  });

  it("lets nobody pay after the time is over", async () => {
    const ref = await open();
    clock.advance(60_000);
    assert.equal(await status(ref), "expired");
    await assert.rejects(decide(ref), (error) => errorCode(error) === "CONFLICT");
  });

  it("cancels what is not paid, and refuses what is", async () => {
    const [ref, paid] = [await open(), await open()];
    await one.cancel(ref, never);
    await one.cancel(ref, never);
    assert.equal(await status(ref), "cancelled");
    await assert.rejects(decide(ref), (error) => errorCode(error) === "CONFLICT");
    await decide(paid);
    await assert.rejects(one.cancel(paid, never), ProviderRefused);
    await assert.rejects(
      one.capture({ providerRef: ref, amount: usd(1_000), idempotencyKey: newId() }, never),
      ProviderRefused,
    );
    await one.capture({ providerRef: paid, amount: usd(1_000), idempotencyKey: newId() }, never);
  });

  it("refunds each key once, and never more than was paid", async () => {
    const ref = await open();
    await assert.rejects(refund(ref, 1), ProviderRefused);
    await decide(ref);
    const key = newId();
    await refund(ref, 600, key);
    await refund(ref, 600, key);
    assert.equal(await status(ref), "partially_refunded");
    await assert.rejects(refund(ref, 500, key), ProviderRefused);
    await assert.rejects(refund(ref, 401), ProviderRefused);
    const races = await Promise.allSettled([refund(ref, 400), refund(ref, 400), refund(ref, 400)]);
    assert.equal(races.filter((it) => it.status === "fulfilled").length, 1);
    assert.equal(await status(ref), "refunded");
  });

  it("lets one decision of many win, on whichever nodes, and tells each which", async () => {
    const refs = await Promise.all(Array.from({ length: 12 }, () => open()));
    const [cancelled, expired, ...contested] = refs;
    assert.ok(cancelled && expired);
    // The deciding node still remembers it as pending.
    await other.cancel(cancelled, never);
    await sandboxPayments(database.service("payments")).updateOne(
      { _id: expired },
      { $set: { expiresAt: new Date(clock.now()) } },
    );
    const tries = [one, other].flatMap((node) =>
      (["succeed", "decline"] as const).flatMap((outcome) => refs.map((ref) => ({ node, outcome, ref }))),
    );
    const ended = await Promise.all(
      tries.map(async ({ node, outcome, ref }) => {
        try {
          await node.decide(ref, { outcome, delayMs: 0, times: 1 });
          return { ref, outcome, won: true };
        } catch (error) {
          assert.equal(errorCode(error), "CONFLICT");
          return { ref, outcome, won: false };
        }
      }),
    );
    const winners = ended.filter((it) => it.won);
    assert.deepEqual(winners.map((it) => it.ref).sort(), [...contested].sort());
    await eventually("each is reported", () => contested.every((ref) => received(ref).length > 0));
    for (const { ref, outcome } of winners) {
      const [webhook, ...more] = received(ref);
      assert.ok(webhook);
      assert.deepEqual(more, []);
      const type = outcome === "succeed" ? "payment.captured" : "payment.failed";
      assert.equal(JSON.parse(bodyOf(webhook).toString()).type, type);
      assert.equal(await status(ref), outcome === "succeed" ? "captured" : "failed");
    }
    assert.deepEqual([received(cancelled), received(expired)], [[], []]);
    await assert.rejects(decide("unknown"), (error) => errorCode(error) === "NOT_FOUND");
  });

  it("signs its webhooks so that every node knows them, with a secret that was made once", async () => {
    const ref = await open();
    await decide(ref);
    const webhook = await eventually("the webhook", () => received(ref)[0]);
    const { headers } = webhook;
    const rawBody = bodyOf(webhook);
    const event = await make().verifyWebhook({ rawBody, headers, key: null, address: null });
    assert.deepEqual([event.providerRef, event.status, event.amount], [ref, "captured", usd(1_000)]);
    const changed = Buffer.from(rawBody.toString().replace("1000", "1001"));
    await assert.rejects(
      one.verifyWebhook({ rawBody: changed, headers, key: null, address: null }),
      WebhookRejected,
    );
    clock.advance(301_000);
    await assert.rejects(one.verifyWebhook({ rawBody, headers, key: null, address: null }), WebhookRejected);
  });

  it("delivers the same event as often as it was asked to, and no more", async () => {
    const ref = await open();
    await decide(ref, { times: 3 });
    await eventually("three copies", () => received(ref).length === 3);
    assert.equal(new Set(received(ref).map((it) => it.body)).size, 1);
    await eventually("it is tidied away", async () => (await one.find(ref)).delivery === undefined);
  });

  it("leaves what it could not deliver, for whichever node comes next, each once", async () => {
    front.handle = async () => 500;
    const refs = await Promise.all(Array.from({ length: 12 }, () => open()));
    await Promise.all(refs.map((ref) => decide(ref)));
    await eventually("all are postponed", async () => {
      const found = await Promise.all(refs.map((ref) => one.find(ref)));
      return found.every((it) => it.delivery?.failures === 1);
    });
    const refused = refs.map((ref) => received(ref).length);
    front.handle = async () => 200;
    clock.advance(10_000);
    one.start?.();
    other.start?.();
    await eventually("all are delivered", async () => {
      const found = await Promise.all(refs.map((ref) => one.find(ref)));
      return found.every((it) => it.delivery === undefined && it.deliverAt === undefined);
    });
    assert.deepEqual(
      refs.map((ref) => received(ref).length),
      refused.map((it) => it + 1),
    );
  });

  it("delivers after a restart what was due meanwhile", async () => {
    const ref = await open();
    await decide(ref, { delayMs: 30_000 });
    await one.stop?.();
    clock.advance(30_000);
    await eventually(
      "it is delivered by the other node",
      async () => (await other.find(ref)).delivery === undefined,
    );
    assert.equal(received(ref).length, 1);
  });
});

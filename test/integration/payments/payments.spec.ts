import assert from "node:assert/strict";
import type { CallMeta } from "../../../broker/contract/call-meta.ts";
import type { DataIn, DataOut, MessageType, ParamsIn } from "../../../broker/contract/contract.ts";
import { type Envelope, envelope } from "../../../broker/contract/envelope.ts";
import { errorCode, errorEntry } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { ORPHANED_AFTER_MS } from "../../../broker/mongo/document-outbox.ts";
import payments from "../../../services/payments/payments.service.ts";
import { sign } from "../../../services/payments/providers/sandbox/signature.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { openWebhookFront, type Received, type WebhookFront } from "../../support/providers/webhook-front.ts";
import { type ServicesNode, startServices } from "../../support/shop/services-node.ts";

const SECRET = "a secret of the sandbox, long enough";
const usd = (amount: number) => ({ amount, currency: "USD" });
const staff: CallMeta = { user: { id: newId(), roles: ["staff"], scopes: ["payments:read"] } };
const withKey = (): CallMeta => ({ ...staff, idempotencyKey: newId() });

const failure = (call: Promise<unknown>) =>
  call.then(
    () => assert.fail("it should have failed"),
    (error: unknown) => errorCode(error) ?? assert.fail(error as Error),
  );

describe("the payments service", () => {
  // Runs with real time, and can be moved ahead.
  let ahead = 0;
  const clock = { now: () => Date.now() + ahead };
  const published: Envelope[] = [];
  /** Messages of this type do not get through. */
  let blocked: string | undefined;
  let front: WebhookFront;
  let node: ServicesNode;

  /** Orders, as far as payments asks them. */
  const owners = new Map<string, string>();
  const orders = {
    name: "orders",
    actions: {
      owner({ params: { id } }: { params: { id: string } }) {
        const customerId = owners.get(id);
        if (!customerId) throw Object.assign(new Error("none"), { type: "NOT_FOUND", code: 404 });
        return { customerId, number: "S-1" };
      },
    },
  };

  /** Accounts, as far as payments asks them. */
  const users = {
    name: "users",
    actions: {
      contacts: ({ params: { ids } }: { params: { ids: string[] } }) =>
        ids.map((id) => ({ id, name: "Ann", email: `${id}@shop.test` })),
    },
  };

  const deliver = ({ headers, body }: Pick<Received, "headers" | "body">) =>
    node.call("payments.webhook", { provider: "sandbox", headers, body });
  const passOn = async (webhook: Received) => {
    try {
      await deliver(webhook);
      return 200;
    } catch (error) {
      const code = errorCode(error);
      return code ? errorEntry(code).status : 500;
    }
  };

  before(async () => {
    front = await openWebhookFront();
    node = await startServices([orders, users, payments], {
      clock,
      env: { PUBLIC_URL: front.url, SANDBOX_WEBHOOK_SECRET: SECRET },
    });
    const { bus } = node.runtime;
    const publish = bus.publish.bind(bus);
    bus.publish = async (message) => {
      if (message.type === blocked) throw new Error("the bus is away");
      published.push(message);
      await publish(message);
    };
  });
  beforeEach(() => {
    front.handle = passOn;
    blocked = undefined;
  });
  after(async () => {
    await node.close();
    await front.close();
  });

  const sent = <T extends MessageType>(type: T, subject: string): DataOut<T>[] =>
    published.filter((it) => it.type === type && it.subject === subject).map((it) => it.data as DataOut<T>);
  const told = <T extends MessageType>(type: T, subject: string) =>
    eventually(`${type} for ${subject}`, () => sent(type, subject)[0]);
  const say = <T extends MessageType>(type: T, subject: string, data: DataIn<T>) =>
    node.runtime.bus.publish(envelope(type, subject, data, { source: "/test", at: clock.now() }));
  const attempts = async (orderId: string) =>
    (await node.call("payments.listByOrder", { id: orderId }, staff)).items;
  const becomes = (orderId: string, status: string) =>
    eventually(`the payment is ${status}`, async () =>
      (await attempts(orderId)).find((it) => it.status === status),
    );

  interface Attempt {
    paymentId: string;
    orderId: string;
    customerId: string;
    /** Of the pay page. */
    ref: string;
  }

  const ids = () => ({ paymentId: newId(), orderId: newId(), customerId: newId() });
  const ask = (
    it: ReturnType<typeof ids>,
    amount = 2_500,
    payment: DataIn<"payment.request">["payment"] = { provider: "sandbox" },
  ) =>
    say("payment.request", it.paymentId, {
      orderId: it.orderId,
      orderNumber: "S-1",
      customerId: it.customerId,
      amount: usd(amount),
      payment,
      expiresAt: new Date(clock.now() + 600_000).toISOString(),
    });

  /** An open payment, as an order gets it. */
  async function opened(amount = 2_500): Promise<Attempt> {
    const it = ids();
    await ask(it, amount);
    const { nextAction } = await told("payment.pending", it.orderId);
    assert.equal(nextAction?.type, "redirect");
    assert.ok(nextAction.url.startsWith(`${front.url}/api/v1/sandbox/pay/`));
    return { ...it, ref: nextAction.url.split("/").at(-1) ?? "" };
  }

  const pay = (ref: string, decision: Partial<ParamsIn<"payments.sandboxPay">> = {}) =>
    node.call("payments.sandboxPay", { ref, outcome: "succeed", ...decision });

  async function paid(amount = 2_500): Promise<Attempt> {
    const it = await opened(amount);
    await pay(it.ref);
    await becomes(it.orderId, "captured");
    return it;
  }

  describe("paying", () => {
    it("opens the payment once however often it is asked, and tells the order where to pay", async () => {
      const it = ids();
      await Promise.all([ask(it), ask(it)]);
      await told("payment.pending", it.orderId);
      const urls = new Set(sent("payment.opened", it.paymentId).map((one) => one.providerRef));
      assert.equal(urls.size, 1);
      const [attempt] = await attempts(it.orderId);
      assert.deepEqual([attempt?.status, attempt?.amount], ["pending", usd(2_500)]);
    });

    it("captures what the customer pays, with the provider's receipt", async () => {
      const it = await opened();
      await pay(it.ref);
      const payment = await becomes(it.orderId, "captured");
      assert.deepEqual(payment.captured, usd(2_500));
      assert.match(payment.receipt ?? "", /^SBX-/);
      const { bookedAt, ...captured } = await told("payment.captured", it.orderId);
      assert.deepEqual(captured, { paymentId: it.paymentId, amount: usd(2_500) });
      assert.ok(Date.parse(String(bookedAt)) <= Date.now());
    });

    it("captures once when the webhook comes several times", async () => {
      const it = await opened();
      const before = front.received.length;
      await pay(it.ref, { times: 4 });
      await eventually("four webhooks", () => front.received.length === before + 4);
      await becomes(it.orderId, "captured");
      assert.equal(sent("payment.captured", it.orderId).length, 1);
      assert.equal(sent("payment.report", it.paymentId).length, 1);
    });

    it("waits with the webhook as long as it was asked to", async () => {
      const it = await opened();
      const asked = Date.now();
      await pay(it.ref, { delayMs: 300 });
      await becomes(it.orderId, "captured");
      assert.ok((front.received.at(-1)?.at ?? 0) - asked >= 300);
    });

    it("never takes a wrong amount as paid, and records it", async () => {
      const it = await opened();
      await pay(it.ref, { amount: 1 });
      const anomaly = await eventually("the anomaly is recorded", async () =>
        (await node.call("payments.anomalies", {}, staff)).items.find(
          (one) => one.paymentId === it.paymentId,
        ),
      );
      assert.deepEqual(
        [anomaly.kind, anomaly.expected, anomaly.reported, anomaly.orderId],
        ["amount_mismatch", usd(2_500), usd(1), it.orderId],
      );
      assert.equal((await attempts(it.orderId))[0]?.status, "pending");
      assert.deepEqual(sent("payment.captured", it.orderId), []);
    });

    it("passes on that it was declined, or has expired", async () => {
      const [one, two] = [await opened(), await opened()];
      await pay(one.ref, { outcome: "decline" });
      await pay(two.ref, { outcome: "expire" });
      assert.equal((await becomes(one.orderId, "failed")).failure, "card_declined");
      await becomes(two.orderId, "expired");
      await told("payment.failed", one.orderId);
      await told("payment.expired", two.orderId);
    });

    it("is decided once", async () => {
      const it = await paid();
      assert.equal(await failure(pay(it.ref)), "CONFLICT");
      assert.equal(await failure(pay("no-such-ref")), "NOT_FOUND");
    });

    it("fails at once with a provider that is not there, or will not have it", async () => {
      const [one, two] = [ids(), ids()];
      await ask(one, 100, { provider: "nobody" });
      await ask(two, 100, { provider: "sandbox", options: { phone: "1" } });
      assert.match((await told("payment.failed", one.orderId)).reason, /nobody is not available/);
      assert.match((await told("payment.failed", two.orderId)).reason, /takes no options/);
    });
  });

  describe("webhooks", () => {
    const bodyOf = (it: Attempt, changes: object = {}) =>
      JSON.stringify({
        id: `evt_${newId()}`,
        type: "payment.captured",
        createdAt: new Date(clock.now()).toISOString(),
        data: {
          ref: it.ref,
          reference: it.paymentId,
          amount: { value: 2_500, currency: "USD" },
          receipt: "SBX-test",
          reason: null,
        },
        ...changes,
      });
    const signed = (body: string, secret = SECRET, at = clock.now()) => ({
      headers: { "sandbox-signature": sign(secret, body, at) },
      body: Buffer.from(body).toString("base64"),
    });

    it("are refused when they are forged, stale, changed or unsigned, and change nothing", async () => {
      const it = await opened();
      const body = bodyOf(it);
      const good = signed(body);
      for (const bad of [
        signed(body, "not the sandbox's secret"),
        signed(body, SECRET, clock.now() - 301_000),
        { ...good, body: Buffer.from(`${body} `).toString("base64") },
        { ...good, headers: {} },
      ])
        assert.equal(await failure(deliver(bad)), "WEBHOOK_REJECTED");
      assert.equal((await attempts(it.orderId))[0]?.status, "pending");
      assert.equal(
        await failure(node.call("payments.webhook", { ...good, provider: "nobody" })),
        "PROVIDER_UNKNOWN",
      );
      const metric = node.broker.metrics?.getMetric("souk.payments.webhooks");
      assert.ok(metric, "rejections are counted");
    });

    it("are handled once, whoever repeats them at once", async () => {
      const it = await opened();
      const webhook = signed(bodyOf(it));
      await Promise.all(Array.from({ length: 5 }, () => deliver(webhook)));
      await becomes(it.orderId, "captured");
      assert.equal(sent("payment.report", it.paymentId).length, 1);
    });

    it("are accepted and recorded when nobody knows their payment", async () => {
      const stranger = { ...ids(), ref: "ref-of-nobody" };
      await deliver(signed(bodyOf(stranger)));
      const nameless = signed(
        bodyOf(stranger, {
          data: { ...JSON.parse(bodyOf(stranger)).data, ref: "nameless", reference: "not an id" },
        }),
      );
      await deliver(nameless);
      ahead += 60_000;
      const recorded = await eventually("both are recorded", async () => {
        const { items } = await node.call("payments.anomalies", { limit: 100 }, staff);
        const mine = items.filter(
          (one) => one.providerRef === "ref-of-nobody" || one.providerRef === "nameless",
        );
        return mine.length === 2 && mine;
      });
      assert.deepEqual(
        new Set(recorded.map((one) => [one.kind, one.paymentId].join(" "))),
        new Set([`unknown_payment ${stranger.paymentId}`, "unknown_payment "]),
      );
    });

    it("that came before the request count when it comes", async () => {
      const it = { ...ids(), ref: "" };
      await deliver(signed(bodyOf({ ...it, ref: "early-ref" })));
      assert.deepEqual(
        (await node.call("payments.list", { limit: 100 }, staff)).items.filter(
          (one) => one.id === it.paymentId,
        ),
        [],
      );
      await ask(it);
      await becomes(it.orderId, "captured");
    });

    it("are told to the payment later when the bus is away, although the provider has its answer", async () => {
      const it = await opened();
      blocked = "payment.report";
      await deliver(signed(bodyOf(it)));
      blocked = undefined;
      ahead += ORPHANED_AFTER_MS + 1_000;
      await becomes(it.orderId, "captured");
    });

    it("are delivered until the shop takes them", async () => {
      const it = await opened();
      let refusals = 2;
      front.handle = async (webhook) => (refusals-- > 0 ? 503 : passOn(webhook));
      await pay(it.ref);
      await becomes(it.orderId, "captured");
      assert.equal(refusals, -1);
    });

    it("that a dead node had claimed are delivered by another when the claim lapses", async () => {
      const it = await opened();
      const sandbox = node.runtime.database("payments").collection<{ _id: string }>("sandbox_payments");
      // The state after a crash between the decision and the call.
      await sandbox.updateOne(
        { _id: it.ref },
        {
          $set: {
            status: "captured",
            decision: { eventId: `evt_${newId()}`, at: new Date(), receipt: "SBX-1", reason: null },
            delivery: { left: 1, failures: 0 },
            deliverAt: new Date(clock.now() + 60_000),
          },
        },
      );
      ahead += 60_000;
      await becomes(it.orderId, "captured");
      await eventually(
        "it is tidied away",
        async () => !("deliverAt" in ((await sandbox.findOne({ _id: it.ref })) ?? {})),
      );
    });
  });

  describe("cancelling", () => {
    it("closes the payment at the provider", async () => {
      const it = await opened();
      await say("payment.cancel", it.paymentId, { reason: "order cancelled" });
      await becomes(it.orderId, "cancelled");
      await eventually("it can't be paid any more", async () =>
        (await node.call("payments.sandboxPage", { ref: it.ref })).includes("cancelled by the shop"),
      );
      assert.equal(await failure(pay(it.ref)), "CONFLICT");
    });

    it("loses to a capture whose webhook is on its way: the order hears of the money", async () => {
      const it = await opened();
      await pay(it.ref, { delayMs: 400 });
      await say("payment.cancel", it.paymentId, { reason: "order cancelled" });
      await becomes(it.orderId, "cancelled");
      await told("payment.captured", it.orderId);
      await becomes(it.orderId, "captured");
      const { kind } = await told("payment.anomaly", it.paymentId);
      assert.equal(kind, "capture_after_end");
    });
  });

  describe("refunds", () => {
    it("take money in the one form, in the payment's currency", async () => {
      const it = await paid();
      const refund = (amount: number | { amount: number; currency: string }) =>
        node.call("payments.refund", { id: it.paymentId, amount, reason: "damaged" }, withKey());
      const { refunds } = await refund(usd(700));
      assert.deepEqual(
        refunds.map((one) => one.amount),
        [usd(700)],
      );
      const fieldsOf = (wrong: Parameters<typeof refund>[0]) =>
        refund(wrong).then(
          () => assert.fail("it is taken"),
          (error) => [errorCode(error), error.data.errors.map((one: { field: string }) => one.field)],
        );
      assert.deepEqual(await fieldsOf({ amount: 100, currency: "EUR" }), [
        "VALIDATION_FAILED",
        ["amount.currency"],
      ]);
      assert.deepEqual(await fieldsOf({ amount: 0, currency: "USD" }), [
        "VALIDATION_FAILED",
        ["amount.amount"],
      ]);
      assert.deepEqual(await fieldsOf(0), ["VALIDATION_FAILED", ["amount"]]);
      assert.deepEqual((await becomes(it.orderId, "partially_refunded")).refunded, usd(700));
    });

    it("give back parts and the rest at the provider, and tell the order", async () => {
      const it = await paid();
      const asked = await node.call(
        "payments.refund",
        { id: it.paymentId, amount: 1_000, reason: "damaged" },
        withKey(),
      );
      assert.deepEqual(
        asked.refunds.map(({ amount, reason }) => [amount, reason]),
        [[usd(1_000), "damaged"]],
      );
      assert.deepEqual((await becomes(it.orderId, "partially_refunded")).refunded, usd(1_000));
      await node.call("payments.refund", { id: it.paymentId, reason: "all of it" }, withKey());
      assert.deepEqual((await becomes(it.orderId, "refunded")).refunded, usd(2_500));
      assert.deepEqual(
        sent("payment.refunded", it.orderId).map(({ amount, full }) => [amount.amount, full]),
        [
          [1_000, false],
          [1_500, true],
        ],
      );
      const more = node.call("payments.refund", { id: it.paymentId, reason: "more" }, withKey());
      assert.equal(await failure(more), "PAYMENT_NOT_REFUNDABLE");
    });

    it("are refused above the capture, without one, and for nobody's payment", async () => {
      const [it, open] = [await paid(), await opened()];
      const refuse = (id: string, amount?: number) =>
        failure(node.call("payments.refund", { id, reason: "x", ...(amount ? { amount } : {}) }, withKey()));
      assert.equal(await refuse(it.paymentId, 2_501), "REFUND_TOO_LARGE");
      assert.equal(await refuse(open.paymentId), "PAYMENT_NOT_REFUNDABLE");
      assert.equal(await refuse(newId()), "NOT_FOUND");
    });

    it("are never more than the capture together, however many ask at once", async () => {
      const it = await paid();
      const results = await Promise.allSettled(
        Array.from({ length: 5 }, () =>
          node.call("payments.refund", { id: it.paymentId, amount: 1_000, reason: "race" }, withKey()),
        ),
      );
      assert.equal(results.filter((one) => one.status === "fulfilled").length, 2);
      const payment = await eventually("both are done", async () => {
        const [one] = await attempts(it.orderId);
        return one?.refunded.amount === 2_000 && one;
      });
      assert.equal(payment.status, "partially_refunded");
    });

    it("are one when the request is repeated", async () => {
      const it = await paid();
      const meta = withKey();
      const order = { id: it.paymentId, amount: 500, reason: "once" };
      const first = await node.call("payments.refund", order, { ...meta });
      const again = await node.call("payments.refund", order, { ...meta });
      assert.deepEqual(again, first);
      assert.deepEqual((await becomes(it.orderId, "partially_refunded")).refunded, usd(500));
      assert.equal(sent("provider.refund", it.paymentId).length, 1);
    });

    it("are one when the request is run again after a crash", async () => {
      const it = await paid();
      const meta = withKey();
      const order = { id: it.paymentId, reason: "all" };
      await node.call("payments.refund", order, { ...meta });
      await becomes(it.orderId, "refunded");
      // The record after a crash before the answer is stored.
      await node.runtime
        .database("payments")
        .collection<{ _id: string }>("idempotency_keys")
        .updateOne(
          { _id: new RegExp(`/${meta.idempotencyKey}$`) },
          { $set: { state: "in_progress", lockedUntil: new Date(0) }, $unset: { body: "", status: "" } },
        );
      const again = await node.call("payments.refund", order, { ...meta });
      assert.equal(again.refunds.length, 1);
      assert.equal(sent("provider.refund", it.paymentId).length, 1);
    });
  });

  describe("looking", () => {
    it("shows an order's payments to its customer and to staff, and to nobody else", async () => {
      const it = await opened();
      const as = (id: string): CallMeta => ({ user: { id, roles: ["customer"] } });
      const list = (meta: CallMeta) => node.call("payments.listByOrder", { id: it.orderId }, meta);
      assert.deepEqual(
        (await list(as(it.customerId))).items.map((one) => one.id),
        [it.paymentId],
      );
      assert.equal((await list(staff)).items.length, 1);
      assert.equal(await failure(list(as(newId()))), "NOT_FOUND");
      const bare = newId();
      owners.set(bare, it.customerId);
      assert.deepEqual((await node.call("payments.listByOrder", { id: bare }, as(it.customerId))).items, []);
      assert.equal(await failure(node.call("payments.listByOrder", { id: bare }, as(newId()))), "NOT_FOUND");
      assert.equal(await failure(node.call("payments.listByOrder", { id: newId() }, staff)), "NOT_FOUND");
    });

    it("lists payments by status and receipt, page by page, newest first", async () => {
      const { orderId, customerId } = await paid();
      const [payment] = await attempts(orderId);
      const byReceipt = await node.call("payments.list", { receipt: payment?.receipt ?? "" }, staff);
      assert.deepEqual(
        byReceipt.items.map((it) => [it.id, it.customer]),
        [[payment?.id, { id: customerId, name: "Ann", email: `${customerId}@shop.test` }]],
      );
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await node.call(
          "payments.list",
          { status: "captured", limit: 3, ...(cursor ? { cursor } : {}) },
          staff,
        );
        seen.push(...page.items.map((it) => it.id));
        assert.ok(page.items.every((it) => it.status === "captured"));
        cursor = page.nextCursor ?? undefined;
      } while (cursor);
      assert.deepEqual(seen, [...new Set(seen)].sort().reverse());
      assert.ok(seen.length > 3 && seen.includes(payment?.id ?? ""));
      assert.equal(
        await failure(node.call("payments.list", { cursor: "bm9uc2Vuc2U" }, staff)),
        "VALIDATION_FAILED",
      );
      assert.equal(
        await failure(node.call("payments.anomalies", { cursor: "bm9uc2Vuc2U" }, staff)),
        "VALIDATION_FAILED",
      );
    });

    it("pages through anomalies", async () => {
      const all = (await node.call("payments.anomalies", { limit: 100 }, staff)).items.map((it) => it.id);
      assert.ok(all.length >= 3);
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await node.call(
          "payments.anomalies",
          { limit: 2, ...(cursor ? { cursor } : {}) },
          staff,
        );
        seen.push(...page.items.map((it) => it.id));
        cursor = page.nextCursor ?? undefined;
      } while (cursor);
      assert.deepEqual(seen, all);
    });

    it("keeps the ledger: what was taken and given back, in entries that sum to zero", async () => {
      const it = await paid();
      await node.call("payments.refund", { id: it.paymentId, amount: 1_000, reason: "damaged" }, withKey());
      await becomes(it.orderId, "partially_refunded");
      const items = await eventually("both are booked", async () => {
        const page = await node.call("payments.ledger", { paymentId: it.paymentId }, staff);
        return page.items.length === 2 && page.items;
      });
      const booked = Object.fromEntries(items.map((one) => [one.kind, one]));
      assert.deepEqual(booked.capture?.entries, [
        { account: "provider:sandbox", amount: 2_500, currency: "USD" },
        { account: "sales", amount: -2_500, currency: "USD" },
      ]);
      assert.deepEqual(booked.refund?.entries, [
        { account: "refunds", amount: 1_000, currency: "USD" },
        { account: "provider:sandbox", amount: -1_000, currency: "USD" },
      ]);
      assert.match(booked.capture?.reference ?? "", /^SBX-/);
      assert.equal((await node.call("payments.balances", {}, staff)).balanced, true);
      // It is requested at least once, and done once.
      const { entries: _, currency, ...booking } = booked.capture ?? assert.fail();
      await say("ledger.book", it.paymentId, { ...booking, amount: { amount: 2_500, currency } });
      await say("ledger.book", it.paymentId, { ...booking, amount: { amount: 2_500, currency } });
      const first = await node.call("payments.ledger", { limit: 1 }, staff);
      assert.equal(first.items.length, 1);
      assert.ok(first.nextCursor);
      const again = await node.call("payments.ledger", { paymentId: it.paymentId }, staff);
      assert.equal(again.items.length, 2);
    });

    it("names the providers", async () => {
      assert.deepEqual(await node.call("payments.providers", {}), ["sandbox"]);
    });

    it("sends a form's sender back to the page", async () => {
      const it = await opened();
      assert.match(await node.call("payments.sandboxPage", { ref: it.ref }), /\$25\.00/);
      const meta: CallMeta = {};
      await node.broker.call(
        "payments.sandboxPay",
        { ref: it.ref, outcome: "succeed", page: "true" },
        { meta },
      );
      assert.equal(meta.$statusCode, 303);
      assert.equal(meta.$responseHeaders?.Location, `/api/v1/sandbox/pay/${it.ref}`);
      assert.match(await node.call("payments.sandboxPage", { ref: it.ref }), /has been paid/);
      await becomes(it.orderId, "captured");
    });
  });
});

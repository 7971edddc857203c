/** Stripe's adapter against its emulator, over HTTP. What all providers share is in provider-conformance. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import Stripe from "stripe";
import { newId } from "../../../../../broker/contract/ids.ts";
import { startStripe } from "../emulator/stripe.ts";
import "../../../../contracts.ts";
import {
  failureOf,
  never,
  openProviderFixture,
  providerContext,
} from "../../../../../test/support/providers/provider-fixture.ts";
import { ProviderMisconfigured, ProviderRefused, WebhookRejected } from "../../provider.ts";
import { stripe } from "../stripe.ts";

const usd = (amount: number) => ({ amount, currency: "USD" });
const passing = { type: "PROVIDER_FAILED" };
const fixture = await openProviderFixture({
  provider: stripe,
  start: startStripe,
  money: usd,
  price: 1_000,
  timeScale: 1_000_000,
});
const { clock, shop, emulator, adapter, adapterWith, intent, open, refund, recordOf, events } = fixture;
const paid = fixture.openAndPay;

describe("Stripe", () => {
  beforeEach(async () => {
    await fixture.reset();
    Object.assign(emulator.quirks, {
      latencyMs: 0,
      keptFailures: 0,
      refunds: "succeeded",
      secrets: [emulator.environment.STRIPE_WEBHOOK_SECRET],
    });
  });
  after(fixture.close);

  const sdk = () =>
    new Stripe(emulator.environment.STRIPE_SECRET_KEY ?? "", {
      host: "127.0.0.1",
      port: new URL(emulator.url).port,
      protocol: "http",
      maxNetworkRetries: 0,
    });

  describe("the emulator, by the official SDK as it is", () => {
    it("opens, confirms, refunds", async () => {
      const api = sdk();
      const made = await api.paymentIntents.create({
        amount: 2_000,
        currency: "usd",
        automatic_payment_methods: { enabled: true },
        metadata: { a: "b & c" },
      });
      assert.equal(made.status, "requires_payment_method");
      assert.deepEqual(made.metadata, { a: "b & c" });
      const confirmed = await api.paymentIntents.confirm(made.id, { payment_method: "pm_card_visa" });
      assert.equal(confirmed.status, "succeeded");
      const refunded = await api.refunds.create({ payment_intent: made.id, amount: 500 });
      assert.equal(refunded.status, "succeeded");
      await api.refunds.create({ payment_intent: made.id });
      const charge = await api.charges.retrieve(String(confirmed.latest_charge));
      assert.deepEqual([charge.amount_refunded, charge.refunded], [2_000, true]);
      await assert.rejects(api.refunds.create({ payment_intent: made.id }), {
        code: "charge_already_refunded",
      });
      const pages = await api.refunds
        .list({ payment_intent: made.id, limit: 1 })
        .autoPagingToArray({ limit: 10 });
      assert.deepEqual(
        pages.map((it) => it.amount),
        [1_500, 500],
      );
    });

    it("declines cards, and lets the customer try another", async () => {
      const api = sdk();
      const { id } = await api.paymentIntents.create({ amount: 2_000, currency: "usd" });
      await assert.rejects(api.paymentIntents.confirm(id, { payment_method: "pm_card_chargeDeclined" }), {
        type: "StripeCardError",
        statusCode: 402,
        decline_code: "generic_decline",
      });
      const secure = await api.paymentIntents.confirm(id, {
        payment_method: "pm_card_threeDSecure2Required",
      });
      assert.equal(secure.status, "requires_action");
      await emulator.pay(id, "succeed");
      assert.equal((await api.paymentIntents.retrieve(id)).status, "succeeded");
      await assert.rejects(api.paymentIntents.cancel(id), { code: "payment_intent_unexpected_state" });
    });

    it("answers as errors what Stripe does", async () => {
      const api = sdk();
      await assert.rejects(
        new Stripe("sk_wrong", {
          host: "127.0.0.1",
          port: new URL(emulator.url).port,
          protocol: "http",
        }).refunds.list(),
        {
          type: "StripeAuthenticationError",
        },
      );
      await assert.rejects(api.paymentIntents.retrieve("pi_none"), { code: "resource_missing" });
      await assert.rejects(api.paymentIntents.create({ amount: 0, currency: "usd" }), { param: "amount" });
      await assert.rejects(api.paymentIntents.create({ amount: 1_001, currency: "kwd" }), {
        param: "amount",
      });
      await assert.rejects(api.paymentIntents.create({ amount: 150, currency: "isk" }), {
        code: "invalid_charge_amount_no_decimal_compatible",
      });
    });

    it("keeps answers by idempotency key, failures of its own too, but no invalid requests", async () => {
      const api = sdk();
      const create = (idempotencyKey: string, amount = 300) =>
        api.paymentIntents.create({ amount, currency: "usd" }, { idempotencyKey });
      const [key, failing] = [newId(), newId()];
      await assert.rejects(create(key, 0), { param: "amount" });
      const { id } = await create(key);
      assert.equal((await create(key)).id, id);
      await assert.rejects(create(key, 301), { type: "StripeIdempotencyError" });
      emulator.quirks.keptFailures = 1;
      await assert.rejects(create(failing), { statusCode: 500 });
      await assert.rejects(create(failing), (error: InstanceType<typeof Stripe.errors.StripeAPIError>) => {
        assert.equal(error.headers?.["idempotent-replayed"], "true");
        return error.statusCode === 500;
      });
      emulator.quirks.latencyMs = 100;
      const slow = newId();
      const both = await Promise.allSettled([create(slow), create(slow)]);
      assert.deepEqual(
        both.map((it) => (it.status === "rejected" ? it.reason.statusCode : 200)).sort(),
        [200, 409],
      );
      clock.advance(86_400_001);
      assert.notEqual((await create(key)).id, id);
    });

    it("signs what the SDK's own verification takes", async () => {
      await paid();
      await emulator.idle();
      const [webhook] = shop.received;
      assert.ok(webhook);
      const event = sdk().webhooks.constructEvent(
        webhook.rawBody,
        webhook.headers["stripe-signature"] ?? "",
        emulator.environment.STRIPE_WEBHOOK_SECRET ?? "",
        undefined,
        undefined,
        clock.now(),
      );
      assert.equal(event.type, "payment_intent.succeeded");
    });
  });

  describe("configured", () => {
    const make = (variables: Record<string, string>) => () =>
      stripe.create(providerContext(variables, clock));

    it("not at all: is not offered", () => assert.equal(make({})(), null));
    it("halfway: names the variable", () => {
      const { STRIPE_SECRET_KEY = "", STRIPE_WEBHOOK_SECRET = "" } = emulator.environment;
      assert.throws(make({ STRIPE_SECRET_KEY }), {
        name: "ConfigError",
        message: /^STRIPE_WEBHOOK_SECRET: /,
      });
      assert.throws(make({ STRIPE_WEBHOOK_SECRET }), {
        name: "ConfigError",
        message: /^STRIPE_SECRET_KEY: /,
      });
      assert.throws(make({ STRIPE_CAPTURE: "manual" }), { message: /^STRIPE_SECRET_KEY: / });
      assert.throws(make({ STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET: `${STRIPE_WEBHOOK_SECRET},short` }), {
        message: /^STRIPE_WEBHOOK_SECRET: /,
      });
    });
    it("with an address that would send the key in the clear: names the variable", () => {
      for (const STRIPE_API_BASE of [
        "http://stripe.example",
        "ftp://127.0.0.1",
        "nonsense",
        "https://u:p@x.test",
      ])
        assert.throws(make({ ...emulator.environment, STRIPE_API_BASE }), { message: /^STRIPE_API_BASE: / });
      assert.throws(make({ ...emulator.environment, STRIPE_API_BASE: "https://x.test/path" }), {
        message: /^STRIPE_API_BASE: /,
      });
    });
  });

  describe("payments", () => {
    it("gives the client what it confirms with, and Stripe our references", async () => {
      const asked = intent();
      const opened = await adapter().createPayment(asked, never);
      assert.equal(opened.nextAction?.type, "client_secret");
      const there = await sdk().paymentIntents.retrieve(opened.providerRef);
      assert.deepEqual(there.metadata, { paymentId: asked.paymentId, orderId: asked.orderId });
      assert.equal(there.description, `Order ${asked.orderNumber}`);
    });

    it("refuses currencies, fractions and options that it can't take, without asking", async () => {
      const unreachable = adapterWith({ STRIPE_API_BASE: "http://127.0.0.1:9" });
      for (const changes of [
        { amount: { amount: 1_000, currency: "IQD" } },
        { amount: { amount: 1_001, currency: "KWD" } },
        { options: { phone: "1" } },
      ])
        await assert.rejects(unreachable.createPayment(intent(changes), never), ProviderRefused);
    });

    it("goes on under a further key where Stripe keeps a failure under ours", async () => {
      emulator.quirks.keptFailures = 1;
      const asked = intent();
      await assert.rejects(adapter().createPayment(asked, never), passing);
      const { providerRef } = await adapter().createPayment(asked, never);
      assert.equal((await adapter().createPayment(asked, never)).providerRef, providerRef);
      const ref = await paid();
      emulator.quirks.keptFailures = 1;
      const id = newId();
      await assert.rejects(refund(ref, 400, id), passing);
      assert.equal((await refund(ref, 400, id)).status, "succeeded");
      assert.equal(recordOf(ref)?.refunded, 400);
    });

    it("waits while Stripe is at it under the same key", async () => {
      emulator.quirks.latencyMs = 100;
      const asked = intent();
      const both = await Promise.allSettled([1, 2].map(() => adapter().createPayment(asked, never)));
      const [late] = both.filter((it) => it.status === "rejected");
      assert.equal(late?.reason.type, "PROVIDER_FAILED");
    });

    it("tells apart who has to act: Stripe, staff, nobody", async () => {
      const failing = async (fault: 401 | 429 | 500 | 503 | "reset" | "unreachable") => {
        emulator.knobs.api = [{ times: 1, fault }];
        return failureOf(open());
      };
      assert.equal(await failing(401), "ProviderMisconfigured");
      for (const fault of [429, 500, 503, "reset", "unreachable"] as const)
        assert.equal(await failing(fault), "PROVIDER_FAILED", String(fault));
      await assert.rejects(adapter().fetchStatus("pi_none", never), ProviderRefused);
      const wrong = adapterWith({ STRIPE_SECRET_KEY: "sk_test_of_somebody_else" });
      await assert.rejects(open({}, wrong), (error: Error) => {
        assert.ok(error instanceof ProviderMisconfigured);
        return !JSON.stringify([error.message, error.cause, error.stack]).includes("somebody_else");
      });
    });

    it("stops when the caller stops waiting", async () => {
      emulator.knobs.api = [{ times: 1, fault: "timeout" }];
      const started = Date.now();
      await assert.rejects(adapter().createPayment(intent(), AbortSignal.timeout(80)), passing);
      assert.ok(Date.now() - started < 5_000);
    });

    it("takes no part for the whole, nor anything after the end", async () => {
      const manual = adapterWith({ STRIPE_CAPTURE: "manual" });
      const ref = await open({}, manual);
      const capture = (amount: number, key = newId()) =>
        manual.capture({ providerRef: ref, amount: usd(amount), idempotencyKey: key }, never);
      await assert.rejects(capture(1_000), ProviderRefused);
      await emulator.pay(ref, "succeed");
      assert.deepEqual((await manual.fetchStatus(ref, never)).amount, usd(1_000));
      await assert.rejects(
        manual.capture(
          { providerRef: ref, amount: { amount: 9, currency: "EUR" }, idempotencyKey: "k" },
          never,
        ),
        ProviderRefused,
      );
      await assert.rejects(capture(1_001), ProviderRefused);
      const report = await capture(600);
      assert.deepEqual([report.status, report.amount], ["captured", usd(600)]);
      assert.deepEqual((await capture(600)).amount, usd(600));
      assert.equal(recordOf(ref)?.captured, 600);
      assert.deepEqual(
        (await events(manual)).map((it) => [it.status, it.amount?.amount]),
        [
          ["authorized", 1_000],
          ["captured", 600],
        ],
      );
    });

    it("lets go of an authorization, and of nothing that was paid", async () => {
      const manual = adapterWith({ STRIPE_CAPTURE: "manual" });
      const ref = await open({}, manual);
      await emulator.pay(ref, "succeed");
      await manual.cancel(ref, never);
      await manual.cancel(ref, never);
      assert.equal((await manual.fetchStatus(ref, never)).status, "cancelled");
      await assert.rejects(manual.cancel(await paid(), never), ProviderRefused);
    });
  });

  it("tells that a bank is slow, and how it ended", async () => {
    for (const [outcome, end] of [
      ["succeed", "captured"],
      ["decline", "failed"],
    ] as const) {
      const ref = await open();
      await emulator.pay(ref, "process");
      const slow = await adapter().fetchStatus(ref, never);
      assert.deepEqual([slow.status, slow.amount, slow.reason], ["processing", null, null]);
      await assert.rejects(adapter().cancel(ref, never), ProviderRefused);
      await assert.rejects(emulator.pay(ref, "expire"), /409/);
      await emulator.pay(ref, outcome);
      assert.equal((await adapter().fetchStatus(ref, never)).status, end);
    }
  });

  it("lets what Stripe still works on go its way", async () => {
    const busy = { id: "pi_1", status: "processing", amount: 1_000, currency: "usd" };
    const code = "payment_intent_unexpected_state";
    const server = createServer((request, response) => {
      const refused = request.method === "POST";
      response
        .writeHead(refused ? 400 : 200, { "content-type": "application/json" })
        .end(
          JSON.stringify(refused ? { error: { type: "invalid_request_error", code, message: "no" } } : busy),
        );
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    try {
      const at = adapterWith({ STRIPE_API_BASE: `http://127.0.0.1:${port}` });
      await assert.rejects(at.cancel("pi_1", never), ProviderRefused);
    } finally {
      server.close();
    }
  });

  describe("refunds", () => {
    it("are found again under our id when Stripe has forgotten the key", async () => {
      const ref = await paid();
      const id = newId();
      const first = await refund(ref, 300, id);
      clock.advance(30 * 86_400_000);
      assert.deepEqual(await refund(ref, 300, id), first);
      await assert.rejects(refund(ref, 301, id), ProviderRefused);
      assert.equal(recordOf(ref)?.refunded, 300);
    });

    it("may take their time, and fail", async () => {
      emulator.quirks.refunds = "pending";
      const ref = await paid();
      const made = await refund(ref, 300);
      assert.equal(made.status, "pending");
      emulator.settleRefund(made.refundRef, "failed");
      const told = (await events()).flatMap((it) => it.refunds);
      assert.deepEqual(told.at(-1), {
        refundId: made.refundId,
        refundRef: made.refundRef,
        amount: usd(300),
        status: "failed",
        reason: "expired_or_canceled_card",
      });
      const report = await adapter().fetchStatus(ref, never);
      assert.deepEqual([report.status, report.refunds[0]?.status], ["captured", "failed"]);
    });

    it("of another currency, of nothing, or of more than was paid are refused", async () => {
      const ref = await paid();
      await assert.rejects(refund(ref, 1_001), ProviderRefused);
      await assert.rejects(refund(await open(), 1), ProviderRefused);
      await assert.rejects(
        adapter().refund(
          {
            providerRef: ref,
            receipt: null,
            amount: { amount: 1, currency: "EUR" },
            reason: "",
            idempotencyKey: "k",
          },
          never,
        ),
        ProviderRefused,
      );
    });
  });

  describe("webhooks", () => {
    const SECRET = "whsec_of_an_endpoint_of_ours";
    const by = () => adapterWith({ STRIPE_WEBHOOK_SECRET: SECRET });
    const body = () =>
      JSON.stringify({
        id: "evt_1",
        object: "event",
        type: "payment_intent.succeeded",
        created: Math.floor(clock.now() / 1_000),
        data: {
          object: {
            id: "pi_1",
            object: "payment_intent",
            status: "succeeded",
            amount: 1_000,
            amount_received: 1_000,
            amount_capturable: 0,
            currency: "usd",
            latest_charge: "ch_1",
            metadata: { paymentId: "p1" },
          },
        },
      });
    /** Signs in the way of Stripe's own SDK. */
    const header = (payload: string, secret = SECRET, at = clock.now()) =>
      sdk().webhooks.generateTestHeaderString({ payload, secret, timestamp: Math.floor(at / 1_000) });
    const verify = (rawBody: Buffer | string, signature: string | undefined, provider = by()) =>
      provider.verifyWebhook({
        rawBody: Buffer.from(rawBody),
        headers: signature === undefined ? {} : { "stripe-signature": signature },
        key: null,
        address: null,
      });

    it("signed by Stripe's SDK are taken", async () => {
      assert.deepEqual(await verify(body(), header(body())), {
        eventId: "evt_1",
        providerRef: "pi_1",
        paymentId: "p1",
        status: "captured",
        amount: usd(1_000),
        receipt: "ch_1",
        reason: null,
        refunds: [],
        occurredAt: new Date(Math.floor(clock.now() / 1_000) * 1_000),
      });
    });

    it("with a signature that openssl made are taken, at that time", async () => {
      const known = '{"id":"evt_2","object":"event","type":"x.y","created":1700000000,"data":{"object":{}}}';
      const signature = "t=1700000000,v1=b56fcd3fad2762e9cbe7f63051839c9baf42185350a5bc921189217686809062";
      const then = adapterWith({ STRIPE_WEBHOOK_SECRET: SECRET }, 1_700_000_100_000);
      assert.equal((await verify(known, signature, then)).eventId, "evt_2");
      await assert.rejects(verify(known, signature), WebhookRejected);
    });

    it("are good for five minutes, either way", async () => {
      for (const [off, fits] of [
        [-299, true],
        [-302, false],
        [299, true],
        [302, false],
      ] as const) {
        const verified = verify(body(), header(body(), SECRET, clock.now() + off * 1_000));
        if (fits) await verified;
        else await assert.rejects(verified, WebhookRejected, `${off} s`);
      }
    });

    it("may be signed with either secret while one is rolled", async () => {
      const both = adapterWith({ STRIPE_WEBHOOK_SECRET: `whsec_the_old_one_of_ours, ${SECRET}` });
      await verify(body(), header(body()), both);
      await verify(body(), header(body(), "whsec_the_old_one_of_ours"), both);
      const [, time, v1] = /^(t=\d+),(v1=.*)$/.exec(header(body())) ?? [];
      await verify(body(), `${time},v1=${"0".repeat(64)},${v1},v0=1`);
    });

    it("are refused when anything is off", async () => {
      const good = header(body());
      const [time, v1] = good.split(",");
      const flipped = Buffer.from(body());
      flipped[flipped.length - 5] = (flipped[flipped.length - 5] ?? 0) ^ 1;
      for (const [what, sent, signature] of [
        ["a flipped bit", flipped, good],
        ["a byte order mark", Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(body())]), good],
        ["no UTF-8", Buffer.from([0xff, 0xfe]), good],
        ["an empty body", "", good],
        ["no signature", body(), undefined],
        ["an empty signature", body(), ""],
        ["another secret", body(), header(body(), "whsec_of_somebody_else")],
        ["no time", body(), String(v1)],
        ["a second time", body(), `${good},t=${Math.floor(clock.now() / 1_000) + 10_000}`],
        ["only v0", body(), `${time},${v1?.replace("v1", "v0")}`],
        ["half a signature", body(), good.slice(0, -10)],
        ["signed nonsense", "[]", header("[]")],
        ["signed text", "hello", header("hello")],
      ] as const)
        await assert.rejects(verify(sent, signature), WebhookRejected, what);
    });

    it("of other kinds are taken, and say nothing", async () => {
      const other = JSON.stringify({
        ...JSON.parse(body()),
        type: "customer.created",
        data: { object: { id: "cus_1" } },
      });
      const event = await verify(other, header(other));
      assert.deepEqual([event.status, event.providerRef, event.paymentId], ["pending", "cus_1", null]);
    });

    it("tell of failures, refunds and disputes", async () => {
      const asked = intent();
      const { providerRef } = await adapter().createPayment(asked, never);
      await emulator.pay(providerRef, "decline");
      await emulator.pay(providerRef, "succeed");
      await emulator.refundAtProvider(providerRef, 200);
      await emulator.dispute(providerRef);
      const told = await events();
      const [failed, captured, refunded, charge, disputed] = told;
      assert.deepEqual(
        [failed?.status, failed?.reason, failed?.paymentId],
        ["failed", "Your card was declined.", asked.paymentId],
      );
      assert.deepEqual([captured?.status, captured?.amount], ["captured", usd(1_000)]);
      assert.deepEqual([refunded?.refunds[0]?.refundId, refunded?.refunds[0]?.amount], [null, usd(200)]);
      assert.deepEqual([charge?.status, charge?.amount], ["partially_refunded", usd(1_000)]);
      assert.deepEqual([disputed?.status, disputed?.reason], ["disputed", "fraudulent"]);
      assert.ok(told.every((it) => it.providerRef === providerRef));
      assert.equal(new Set(told.map((it) => it.eventId)).size, 5);
      const report = await adapter().fetchStatus(providerRef, never);
      assert.deepEqual([report.status, report.receipt], ["disputed", captured?.receipt]);
    });

    it("are repeated under the same id until they are taken", async () => {
      let refusals = 2;
      shop.answer = () => (refusals-- > 0 ? 503 : 200);
      await paid();
      const told = await events();
      assert.equal(told.length, 3);
      assert.equal(new Set(told.map((it) => it.eventId)).size, 1);
    });
  });
});

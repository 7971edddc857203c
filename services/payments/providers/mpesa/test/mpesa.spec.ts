/** M-Pesa's adapter against its emulator, over HTTP. What all providers share is in provider-conformance. */
import assert from "node:assert/strict";
import { newId } from "../../../../../broker/contract/ids.ts";
import { ConfigError } from "../../../../../broker/contract/variables.ts";
import { noFaults } from "../../emulator.ts";
import { startMpesa } from "../emulator/mpesa.ts";
import "../../../../contracts.ts";
import { eventually } from "../../../../../souk/testing/eventually.ts";
import {
  assertUnknownWithoutAnswer,
  never,
  openProviderFixture,
  providerContext,
} from "../../../../../test/support/providers/provider-fixture.ts";
import type { ReceivedWebhook } from "../../../../../test/support/providers/webhook-receiver.ts";
import { openMemoryDatabase } from "../../../../../test/support/servers/memory-database.ts";
import {
  type PaymentIntent,
  ProviderMisconfigured,
  ProviderRefused,
  type Webhook,
  type WebhookEvent,
  WebhookRejected,
} from "../../provider.ts";
import { callbackKey } from "../callback-key.ts";
import migration from "../migrations/0001-pushes.ts";
import { mpesa } from "../mpesa.ts";
import { mpesaPushes } from "../push.model.ts";
import { PROMPT_ENDS_MS } from "../report.ts";

const kes = (shillings: number) => ({ amount: shillings * 100, currency: "KES" });
const WAITS = "0712345678";
const PUSH = "POST /mpesa/stkpush/v1/processrequest";
const REVERSAL = "POST /mpesa/reversal/v1/request";
const memory = await openMemoryDatabase();
const database = memory.service("payments");
const fixture = await openProviderFixture({
  provider: mpesa,
  start: startMpesa,
  money: kes,
  price: 1_500,
  payment: { phone: WAITS },
  timeScale: 1_000,
  webhookUrl: () => assert.fail("every push names its own address"),
  database,
});
const { clock, shop, emulator, adapter, adapterWith, intent, status, refund, recordOf } = fixture;

describe("M-Pesa", () => {
  /** The events from the callbacks that the shop has received through its webhook. */
  let events: WebhookEvent[];

  before(() => migration.up(database, () => Promise.resolve()));
  beforeEach(async () => {
    await fixture.reset();
    events = [];
    shop.answer = async (it) => {
      events.push(await adapter().verifyWebhook(webhook(it)));
      return 200;
    };
  });
  after(async () => {
    await fixture.close();
    await memory.close();
  });

  const webhook = ({ rawBody, headers, path }: ReceivedWebhook): Webhook => ({
    rawBody,
    headers,
    key: path.split("/").at(-1) ?? null,
    address: "127.0.0.1",
  });
  const open = (phone = WAITS) => fixture.open({ options: { phone } });
  const paid = async () => {
    const ref = await fixture.openAndPay();
    await emulator.idle();
    return ref;
  };
  const recordsOf = (paymentId: string) => emulator.records().filter((it) => it.paymentId === paymentId);

  describe("configuration", () => {
    it("is off without variables, and names the one that is missing", () => {
      assert.equal(mpesa.create(providerContext({}, clock)), null);
      const make = (variables: Record<string, string | undefined>) =>
        mpesa.create(providerContext(variables as Record<string, string>, clock));
      const needed = Object.keys(emulator.environment).filter((it) => /KEY|SECRET$|SHORTCODE/.test(it));
      assert.equal(needed.length, 5);
      for (const name of [...needed, "MPESA_INITIATOR_NAME", "MPESA_SECURITY_CREDENTIAL"])
        assert.throws(
          () => make({ ...emulator.environment, [name]: undefined }),
          (error) => error instanceof ConfigError && error.message.startsWith(`${name}: `),
          name,
        );
      for (const [name, bad] of [
        ["MPESA_ALLOWED_ADDRESSES", "somewhere"],
        ["MPESA_SHORTCODE", "12a"],
        ["MPESA_TRANSACTION_TYPE", "Other"],
        ["MPESA_API_BASE", "http://example.com"],
        ["MPESA_PASSKEY", "short"],
      ] as const)
        assert.throws(
          () => make({ ...emulator.environment, [name]: bad }),
          new RegExp(`^ConfigError: ${name}: `),
        );
    });

    it("says so when credentials or passkey are wrong", async () => {
      for (const wrong of [
        { MPESA_CONSUMER_SECRET: "wrong" },
        { MPESA_PASSKEY: "wrong".repeat(4) },
        { MPESA_SHORTCODE: "600000" },
      ] as Record<string, string>[]) {
        const by = adapterWith(wrong);
        const it = intent();
        await assert.rejects(by.createPayment(it, never), ProviderMisconfigured, JSON.stringify(wrong));
        // Nothing was pushed, so it may be tried again after the correction.
        await adapter().createPayment(it, never);
        assert.equal(recordsOf(it.paymentId).length, 1);
      }
    });
  });

  describe("opening", () => {
    it("asks the phone for whole shillings", async () => {
      const it = intent({ options: { phone: "+254 712-345 678" } });
      const opened = await adapter().createPayment(it, never);
      assert.deepEqual(opened.nextAction, {
        type: "phone_prompt",
        message: "Enter your M-Pesa PIN on the phone that ends in 678.",
      });
      assert.deepEqual(
        recordsOf(it.paymentId).map((one) => [one.providerRef, one.amount, one.currency]),
        [[opened.providerRef, 150_000, "KES"]],
      );
      assert.equal((await status(opened.providerRef)).status, "pending");
    });

    it("refuses what can't be asked for", async () => {
      for (const changes of [
        { amount: { amount: 1_000, currency: "USD" } },
        { amount: { amount: 150_050, currency: "KES" } },
        { amount: kes(0) },
        { options: {} },
        { options: { phone: "12345" } },
        { options: { phone: WAITS, name: "Ann" } },
      ] as Partial<PaymentIntent>[])
        await assert.rejects(adapter().createPayment(intent(changes), never), ProviderRefused);
      await assert.rejects(open("0712341001"), /already in process/);
    });

    it("asks once, however often it is told to", async () => {
      const it = intent();
      const answers = await Promise.allSettled(
        Array.from({ length: 10 }, () => adapter().createPayment(it, never)),
      );
      assert.ok(answers.some((one) => one.status === "fulfilled"));
      for (const one of answers)
        if (one.status === "rejected") assert.equal(one.reason.type, "PROVIDER_FAILED");
      assert.equal(recordsOf(it.paymentId).length, 1);
      const ref = recordsOf(it.paymentId)[0]?.providerRef;
      assert.equal((await adapter().createPayment(it, never)).providerRef, ref);
      await assert.rejects(adapter().createPayment({ ...it, amount: kes(1) }, never), ProviderRefused);
    });

    it("knows the payment by the callback that comes before the answer", async () => {
      const it = intent({ options: { phone: "0712340003" } });
      const { providerRef } = await adapter().createPayment(it, never);
      assert.deepEqual(
        events.map((one) => [one.paymentId, one.providerRef]),
        [[it.paymentId, providerRef]],
      );
      assert.equal((await status(providerRef)).status, "captured");
    });

    it("knows it by the callback where the answer is lost, and never asks twice", async () => {
      const it = intent();
      emulator.knobs.api = [{ route: PUSH, times: 1, fault: "reset" }];
      await assert.rejects(adapter().createPayment(it, never), { type: "PROVIDER_FAILED" });
      await assert.rejects(adapter().createPayment(it, never), { type: "PROVIDER_FAILED" });
      const [asked] = recordsOf(it.paymentId);
      await emulator.pay(asked?.providerRef ?? "", "succeed");
      await emulator.idle();
      assert.equal((await adapter().createPayment(it, never)).providerRef, asked?.providerRef);
      assert.equal(recordsOf(it.paymentId).length, 1);
      assert.equal((await status(asked?.providerRef ?? "")).status, "captured");
    });

    it("gives up on one of which nothing was heard, and still knows money that comes for it", async () => {
      const it = intent();
      emulator.knobs.api = [{ route: PUSH, times: 1, fault: "timeout" }];
      await assert.rejects(adapter().createPayment(it, AbortSignal.timeout(100)), {
        type: "PROVIDER_FAILED",
      });
      clock.advance(PROMPT_ENDS_MS - 1);
      await assert.rejects(adapter().createPayment(it, never), { type: "PROVIDER_FAILED" });
      clock.advance(1);
      await assert.rejects(adapter().createPayment(it, never), ProviderRefused);
      const [asked] = recordsOf(it.paymentId);
      await emulator.pay(asked?.providerRef ?? "", "succeed");
      await emulator.idle();
      assert.deepEqual(
        events.map((one) => [one.paymentId, one.status]),
        [[it.paymentId, "captured"]],
      );
      assert.equal(recordsOf(it.paymentId).length, 1);
    });

    it("asks again where Daraja has said that it has not", async () => {
      for (const fault of [429, 500, 503] as const) {
        const it = intent();
        emulator.knobs.api = [{ route: PUSH, times: 1, fault }];
        await assert.rejects(adapter().createPayment(it, never), { type: "PROVIDER_FAILED" });
        await adapter().createPayment(it, never);
        assert.equal(recordsOf(it.paymentId).length, 1);
      }
    });
  });

  describe("access tokens", () => {
    it("are asked for again after a failure, and before they end", async () => {
      const by = adapterWith({});
      const ref = await open();
      await emulator.pay(ref, "process");
      emulator.knobs.api = [{ route: "GET /oauth/v1/generate", times: 1, fault: 503 }];
      await assert.rejects(by.fetchStatus(ref, never), { type: "PROVIDER_FAILED" });
      assert.equal((await by.fetchStatus(ref, never)).status, "pending");
      emulator.knobs.api = [{ route: "GET /oauth/v1/generate", times: 1, fault: 503 }];
      clock.advance(49 * 60_000);
      assert.equal((await by.fetchStatus(ref, never)).status, "processing");
      clock.advance(2 * 60_000);
      await assert.rejects(by.fetchStatus(ref, never), { type: "PROVIDER_FAILED" });
      assert.equal((await by.fetchStatus(ref, never)).status, "processing");
    });

    it("that Daraja has forgotten are renewed, and the request is made again", async () => {
      const ref = await open();
      await fetch(`${emulator.url}/_sim/tokens/expire`, { method: "POST" });
      assert.equal((await status(ref)).status, "pending");
      emulator.knobs.api = [{ route: PUSH, times: 1, fault: 401 }];
      const it = intent();
      await adapter().createPayment(it, never);
      assert.equal(recordsOf(it.paymentId).length, 1);
      emulator.knobs.api = [{ route: PUSH, times: 2, fault: 401 }];
      await assert.rejects(open(), ProviderMisconfigured);
    });
  });

  describe("what customers do", () => {
    it("pay: amount and receipt are told, and the answer says that it is true", async () => {
      const ref = await paid();
      const [event] = events;
      assert.deepEqual([event?.status, event?.amount], ["captured", kes(1_500)]);
      const report = await status(ref);
      assert.deepEqual([report.status, report.amount], ["captured", kes(1_500)]);
      assert.equal(report.receipt, event?.receipt);
      assert.match(report.receipt ?? "", /^S[A-Z0-9]{9}$/);
      assert.deepEqual(adapter().webhookAnswer, { ResultCode: 0, ResultDesc: "Accepted" });
      assert.equal(adapter().webhooksProve, false);
    });

    it("can't pay another amount", async () => {
      const ref = await open();
      await assert.rejects(async () => emulator.pay(ref, "tooMuch"));
      assert.equal((await status(ref)).status, "pending");
    });

    it("do not pay, for one reason or another", async () => {
      for (const [phone, expected, reason] of [
        ["0712340001", "failed", "insufficient_funds"],
        ["0712341032", "cancelled", "cancelled_by_customer"],
        ["0712341037", "expired", "phone_unreachable"],
      ] as const) {
        const ref = await open(phone);
        await emulator.idle();
        const report = await status(ref);
        assert.deepEqual([report.status, report.reason, report.amount], [expected, reason, null]);
        assert.equal(events.at(-1)?.status, expected);
      }
    });

    it("pay, and nobody calls back: asking finds it", async () => {
      const ref = await open("0712349999");
      await eventually("paid", () => recordOf(ref)?.captured === 150_000);
      const report = await status(ref);
      assert.deepEqual([report.status, report.amount, report.receipt], ["captured", kes(1_500), null]);
      assert.deepEqual(events, []);
    });

    it("pay, and are called back twice: one event", async () => {
      await open("0712340002");
      await emulator.idle();
      assert.equal(events.length, 2);
      assert.equal(new Set(events.map((it) => it.eventId)).size, 1);
    });
  });

  describe("callbacks", () => {
    const good = async () => {
      const it = intent();
      shop.answer = () => 200;
      const { providerRef } = await adapter().createPayment(it, never);
      await emulator.pay(providerRef, "succeed");
      await emulator.idle();
      return webhook(shop.received.at(-1) ?? assert.fail("no callback"));
    };

    it("are taken at this payment's address only, from allowed addresses only", async () => {
      const it = await good();
      const other = await good();
      for (const bad of [
        { key: null },
        { key: "" },
        { key: `${it.key?.slice(0, -1)}${it.key?.endsWith("A") ? "B" : "A"}` },
        { key: other.key },
        { address: null },
        { address: "196.201.214.200" },
      ])
        await assert.rejects(
          adapter().verifyWebhook({ ...it, ...bad }),
          WebhookRejected,
          JSON.stringify(bad),
        );
      await adapter().verifyWebhook(it);
    });

    it("that make no sense are rejected", async () => {
      const it = await good();
      const text = it.rawBody.toString();
      for (const body of [
        "",
        "{}",
        "null",
        text.replace("CheckoutRequestID", "X"),
        text.replace('"MpesaReceiptNumber"', '"Other"'),
        text.replace(/"Value":\d+/, '"Value":1.001'),
      ])
        await assert.rejects(
          adapter().verifyWebhook({ ...it, rawBody: Buffer.from(body) }),
          WebhookRejected,
          body,
        );
    });

    it("can't make a payment paid", async () => {
      const it = intent();
      shop.answer = () => 200;
      const { providerRef } = await adapter().createPayment(it, never);
      await emulator.pay(providerRef, "cancel");
      await emulator.idle();
      const cancelled = webhook(shop.received[0] ?? assert.fail("no callback"));
      const forged = {
        Body: {
          stkCallback: {
            CheckoutRequestID: providerRef,
            ResultCode: 0,
            ResultDesc: "ok",
            CallbackMetadata: {
              Item: [
                { Name: "Amount", Value: 1_500 },
                { Name: "MpesaReceiptNumber", Value: "FORGED" },
              ],
            },
          },
        },
      };
      await adapter().verifyWebhook({ ...cancelled, rawBody: Buffer.from(JSON.stringify(forged)) });
      const report = await status(providerRef);
      assert.deepEqual([report.status, report.amount, report.receipt], ["cancelled", null, null]);
    });

    for (const [when, order] of [
      ["before", ["changed", "true"]],
      ["after", ["true", "changed"]],
    ] as const)
      it(`with another amount change nothing, and are told of: ${when} the true one`, async () => {
        const first = await good();
        const changed = Buffer.from(first.rawBody.toString().replace("1500", "2500"));
        const bodies = { changed, true: first.rawBody };
        const came = new Map<string, WebhookEvent>();
        for (const which of order)
          came.set(which, await adapter().verifyWebhook({ ...first, rawBody: bodies[which] }));
        const forged = came.get("changed");
        assert.deepEqual(forged?.mismatch, { expected: kes(1_500), reported: kes(2_500) });
        assert.equal(forged?.receipt, null);
        assert.equal(came.get("true")?.mismatch, undefined);
        assert.notEqual(forged?.eventId, came.get("true")?.eventId);
        const report = await status(forged?.providerRef ?? "");
        assert.deepEqual(
          [report.status, report.amount, report.receipt],
          ["captured", kes(1_500), came.get("true")?.receipt],
        );
      });

    it("with another amount alone: paid as asked, and its receipt is not believed", async () => {
      const it = await good();
      const rawBody = Buffer.from(it.rawBody.toString().replace("1500", "1"));
      const { providerRef } = await adapter().verifyWebhook({ ...it, rawBody });
      const report = await status(providerRef);
      assert.deepEqual([report.status, report.amount, report.receipt], ["captured", kes(1_500), null]);
      await assert.rejects(refund(providerRef, 500), /receipt/);
    });

    it("of another push at this payment's address are rejected", async () => {
      const it = await good();
      await adapter().verifyWebhook(it);
      const other = Buffer.from(it.rawBody.toString().replace(/ws_CO_\w+/, "ws_CO_other"));
      await assert.rejects(adapter().verifyWebhook({ ...it, rawBody: other }), WebhookRejected);
    });
  });

  it("cancelling can't withdraw a prompt; over is fine; paid is refused", async () => {
    const ref = await open();
    await assert.rejects(adapter().cancel(ref, never), ProviderRefused);
    await emulator.pay(ref, "cancel");
    await adapter().cancel(ref, never);
    await assert.rejects(adapter().cancel(await paid(), never), ProviderRefused);
    await assert.rejects(adapter().cancel("ws_CO_unknown", never), ProviderRefused);
  });

  describe("refunds", () => {
    it("are reversals, whose results are called back; each once", async () => {
      const ref = await paid();
      const key = newId();
      emulator.knobs.webhooks = { ...noFaults().webhooks, delayMs: 100 };
      const first = await refund(ref, 500, key);
      assert.deepEqual([first.refundId, first.status, first.amount], [key, "pending", kes(500)]);
      await emulator.idle();
      const told = events.at(-1);
      assert.deepEqual(
        [told?.providerRef, told?.refunds[0]?.refundId, told?.refunds[0]?.status],
        [ref, key, "succeeded"],
      );
      assert.equal((await refund(ref, 500, key)).status, "succeeded");
      await assert.rejects(refund(ref, 600, key), ProviderRefused);
      assert.equal((await status(ref)).status, "partially_refunded");
      await refund(ref, 1_000);
      await emulator.idle();
      assert.equal((await status(ref)).status, "refunded");
      assert.equal(recordOf(ref)?.refunded, 150_000);
    });

    it("are known also when Daraja has forgotten the push, which was paid", async () => {
      const ref = await paid();
      await refund(ref, 500);
      await emulator.idle();
      emulator.knobs.api = [{ times: 1, fault: 503, route: "POST /mpesa/stkpushquery/v1/query" }];
      const { status: now, amount, refunds } = await status(ref);
      assert.deepEqual([now, amount, refunds[0]?.status], ["partially_refunded", kes(1_500), "succeeded"]);
    });

    it("may fail in more words than a payment keeps", async () => {
      const ref = await paid();
      const key = newId();
      emulator.knobs.webhooks = { ...noFaults().webhooks, drop: 1 };
      await refund(ref, 500, key);
      await emulator.idle();
      const { paymentId } = recordOf(ref) ?? assert.fail("no such push");
      const last = callbackKey(emulator.environment.MPESA_CALLBACK_SECRET ?? "", {
        paymentId: paymentId ?? "",
        refundId: key,
      });
      const Result = { ResultCode: 2, ResultDesc: "x".repeat(1_000), ConversationID: "AG_1" };
      const rawBody = Buffer.from(JSON.stringify({ Result }));
      const told = await adapter().verifyWebhook({ rawBody, headers: {}, key: last, address: "127.0.0.1" });
      for (const it of [told, await status(ref)]) {
        assert.equal(it.refunds[0]?.status, "failed");
        assert.ok((it.refunds[0]?.reason ?? "").length <= 500);
      }
    });

    it("may be refused by M-Pesa in the end", async () => {
      const ref = await paid();
      await refund(ref, 1_501);
      await emulator.idle();
      const { refunds, status: now } = await status(ref);
      assert.deepEqual([now, refunds[0]?.status], ["captured", "failed"]);
      assert.match(refunds[0]?.reason ?? "", /R000001/);
    });

    it("whose answer is lost are asked for once, and their result is known by its address", async () => {
      const ref = await paid();
      const key = newId();
      emulator.knobs.webhooks = { ...noFaults().webhooks, delayMs: 100 };
      emulator.knobs.api = [{ route: REVERSAL, times: 1, fault: "reset" }];
      await assert.rejects(refund(ref, 500, key), { type: "PROVIDER_FAILED" });
      assert.equal((await refund(ref, 500, key)).status, "pending");
      await emulator.idle();
      assert.equal((await refund(ref, 500, key)).status, "succeeded");
      assert.equal(recordOf(ref)?.refunded, 50_000);
    });

    it("that Daraja has not taken on may be tried again", async () => {
      const ref = await paid();
      const key = newId();
      emulator.knobs.api = [{ route: REVERSAL, times: 1, fault: 503 }];
      await assert.rejects(refund(ref, 500, key), { type: "PROVIDER_FAILED" });
      await refund(ref, 500, key);
      await emulator.idle();
      assert.equal(recordOf(ref)?.refunded, 50_000);
    });

    it("are made by hand where there is no initiator, no receipt, or a fraction", async () => {
      const ref = await paid();
      const alone = adapterWith({ MPESA_INITIATOR_NAME: undefined, MPESA_SECURITY_CREDENTIAL: undefined });
      await assert.rejects(refund(ref, 500, newId(), alone), /by hand/);
      await assert.rejects(refund(ref, 0.5), ProviderRefused);
      const silent = await open("0712349999");
      await eventually("paid", () => recordOf(silent)?.captured === 150_000);
      await assert.rejects(refund(silent, 500), /receipt/);
    });
  });

  it("keeps nothing about a customer but the payment", async () => {
    await paid();
    const kept = JSON.stringify(await mpesaPushes(database).find().toArray());
    assert.doesNotMatch(kept, /712345678/);
  });

  it("leaves unknown what the provider does not answer", () => assertUnknownWithoutAnswer(fixture));
});

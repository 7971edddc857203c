/** Xendit's adapter against its emulator, over HTTP. What all providers share is in provider-conformance. */
import assert from "node:assert/strict";
import { Xendit } from "xendit-node";
import { newId } from "../../../../../broker/contract/ids.ts";
import { ConfigError } from "../../../../../broker/contract/variables.ts";
import { noFaults } from "../../emulator.ts";
import { retry, startXendit, type XenditOptions } from "../emulator/xendit.ts";
import "../../../../contracts.ts";
import {
  assertNamedByRacingWebhook,
  assertUnknownWithoutAnswer,
  never,
  openProviderFixture,
  providerContext,
} from "../../../../../test/support/providers/provider-fixture.ts";
import { ProviderMisconfigured, ProviderRefused, WebhookRejected } from "../../provider.ts";
import { xendit } from "../xendit.ts";

const php = (amount: number) => ({ amount, currency: "PHP" });
const MINUTE = 60_000;
const fixture = await openProviderFixture({
  provider: xendit,
  start: startXendit,
  money: php,
  price: 199_999,
  timeScale: 10_000_000,
});
const { clock, shop, emulator, adapter, adapterWith, intent, open, status, refund, recordOf, events } =
  fixture;
const paid = fixture.openAndPay;

describe("Xendit", () => {
  beforeEach(async () => {
    await fixture.reset();
    await steer("refunds/end", { as: "SUCCEEDED" });
  });
  after(fixture.close);

  const start = (options: XenditOptions) => startXendit(fixture.emulatorOptions, options);
  const steer = async (path: string, body: object = {}) => {
    const response = await fetch(`${emulator.url}/_sim/${path}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    assert.equal(response.status, 200, await response.text());
  };

  describe("the emulator, by the official client as it is", () => {
    const client = (secretKey = emulator.environment.XENDIT_SECRET_KEY ?? "") =>
      new Xendit({ secretKey, xenditURL: emulator.url });

    it("opens, lists, expires", async () => {
      const { Invoice } = client();
      const invoice = await Invoice.createInvoice({
        data: { externalId: "order-1", amount: 123.45, currency: "PHP" },
      });
      assert.deepEqual([invoice.status, invoice.amount, invoice.externalId], ["PENDING", 123.45, "order-1"]);
      assert.equal((await fetch(invoice.invoiceUrl)).status, 200);
      const found = await Invoice.getInvoices({ externalId: "order-1" });
      assert.deepEqual(
        found.map((it) => it.id),
        [invoice.id],
      );
      const expired = await Invoice.expireInvoice({ invoiceId: invoice.id ?? "" });
      assert.equal(expired.status, "EXPIRED");
      assert.equal((await Invoice.getInvoiceById({ invoiceId: invoice.id ?? "" })).status, "EXPIRED");
      await assert.rejects(Invoice.getInvoiceById({ invoiceId: "no-such" }), { status: 404 });
      await assert.rejects(client("wrong").Invoice.getInvoices({}), {
        status: 401,
        errorCode: "INVALID_API_KEY",
      });
    });

    it("gives money back", async () => {
      const ref = await paid();
      const { Refund } = client();
      const made = await Refund.createRefund({
        idempotencyKey: "k1",
        data: { invoiceId: ref, referenceId: "r-1", amount: 10.5, currency: "PHP", reason: "DUPLICATE" },
      });
      assert.equal(made.amount, 10.5);
      const list = await Refund.getAllRefunds({ invoiceId: ref });
      assert.deepEqual(
        list.data?.map((it) => it.referenceId),
        ["r-1"],
      );
      await assert.rejects(Refund.createRefund({ data: { invoiceId: ref, amount: 1e9, reason: "OTHERS" } }), {
        status: 400,
        errorCode: "MAXIMUM_REFUND_AMOUNT_REACHED",
      });
    });
  });

  describe("configuration", () => {
    it("is off without variables, and names the one that is missing", () => {
      assert.equal(xendit.create(providerContext({}, clock)), null);
      const { XENDIT_SECRET_KEY = "", XENDIT_CALLBACK_TOKEN = "" } = emulator.environment;
      for (const [given, missing] of [
        [{ XENDIT_SECRET_KEY }, "XENDIT_CALLBACK_TOKEN"],
        [{ XENDIT_CALLBACK_TOKEN }, "XENDIT_SECRET_KEY"],
        [{ XENDIT_API_BASE: "https://api.xendit.co" }, "XENDIT_SECRET_KEY"],
      ] as const)
        assert.throws(
          () => xendit.create(providerContext({ ...given }, clock)),
          (error) => error instanceof ConfigError && error.message.startsWith(`${missing}: `),
        );
    });

    it("says so when the key is wrong", async () => {
      const wrong = adapterWith({ XENDIT_SECRET_KEY: "xnd_production_wrong" });
      await assert.rejects(wrong.createPayment(intent(), never), ProviderMisconfigured);
    });
  });

  describe("opening", () => {
    it("leads to a page, until the order's time is over", async () => {
      const it = intent();
      const opened = await adapter().createPayment(it, never);
      assert.equal(opened.nextAction?.type, "redirect");
      assert.equal(opened.expiresAt?.getTime(), Math.floor(it.expiresAt.getTime() / 1));
      assert.deepEqual(
        [recordOf(opened.providerRef)?.amount, recordOf(opened.providerRef)?.paymentId],
        [199_999, it.paymentId],
      );
      clock.advance(31 * MINUTE);
      assert.equal((await status(opened.providerRef)).status, "expired");
    });

    it("names the pages to come back to, where the shop has any", async () => {
      const pageOf = async (changes: Parameters<typeof intent>[0]) => {
        const opened = await adapter().createPayment(intent(changes), never);
        assert.equal(opened.nextAction?.type, "redirect");
        const page = await fetch(opened.nextAction?.type === "redirect" ? opened.nextAction.url : "");
        return (await page.text())
          .matchAll(/<a href="([^"]*)">/g)
          .map(([, href]) => href)
          .toArray();
      };
      const orderId = newId();
      assert.deepEqual(await pageOf({ orderId, returnUrl: "https://shop.example/thanks?a=b" }), [
        `https://shop.example/thanks?a=b&amp;orderId=${orderId}&amp;outcome=succeeded`,
        `https://shop.example/thanks?a=b&amp;orderId=${orderId}&amp;outcome=failed`,
      ]);
      assert.deepEqual(await pageOf({}), []);
    });

    it("asks for whole rupiah and for cents", async () => {
      for (const amount of [
        { amount: 1_500_000, currency: "IDR" },
        { amount: 15_000, currency: "VND" },
        { amount: 1, currency: "MYR" },
        { amount: 99_999_999_999, currency: "PHP" },
      ]) {
        const it = recordOf(await open({ amount }));
        assert.deepEqual([it?.amount, it?.currency], [amount.amount, amount.currency]);
      }
    });

    it("refuses what can't be asked for", async () => {
      for (const changes of [
        { amount: { amount: 1_000, currency: "EUR" } },
        { amount: { amount: 1_050, currency: "IDR" } },
        { amount: php(0) },
        { options: { phone: "1" } },
        { expiresAt: new Date(clock.now() - 1) },
      ])
        await assert.rejects(open(changes), ProviderRefused);
    });

    for (const idempotencyKeys of [true, false])
      it(`gives the same invoice for the same payment, ${idempotencyKeys ? "by key" : "without keys, by look-up"}`, async () => {
        const other = await start({ idempotencyKeys });
        try {
          const by = adapterWith(other.environment);
          const it = intent();
          other.knobs.api = [{ route: "POST /v2/invoices", times: 1, fault: "reset" }];
          await assert.rejects(by.createPayment(it, never), { type: "PROVIDER_FAILED" });
          assert.deepEqual(await by.createPayment(it, never), await by.createPayment(it, never));
          assert.equal(other.records().length, 1);
          await assert.rejects(by.createPayment({ ...it, amount: php(1) }, never), ProviderRefused);
        } finally {
          await other.close();
        }
      });
  });

  describe("what customers do", () => {
    it("pay, and it settles: one capture", async () => {
      const ref = await paid();
      await steer(`invoices/${ref}/settle`);
      const [first, second] = await events();
      assert.deepEqual([first?.status, first?.amount, first?.providerRef], ["captured", php(199_999), ref]);
      assert.equal(first?.paymentId, recordOf(ref)?.paymentId);
      assert.deepEqual([second?.status, second?.receipt], ["captured", first?.receipt]);
      assert.notEqual(second?.eventId, first?.eventId);
      const report = await status(ref);
      assert.deepEqual(
        [report.status, report.amount, report.receipt],
        ["captured", php(199_999), first?.receipt],
      );
    });

    it("pay another amount: that is what is told", async () => {
      const ref = await open();
      await emulator.pay(ref, "tooMuch");
      assert.deepEqual((await status(ref)).amount, php(200_999));
    });

    it("are declined, which Xendit keeps to itself, and let it expire", async () => {
      const ref = await open();
      await emulator.pay(ref, "decline");
      assert.equal((await status(ref)).status, "pending");
      await emulator.pay(ref, "expire");
      assert.equal((await status(ref)).status, "expired");
      assert.deepEqual(
        (await events()).map((it) => it.status),
        ["expired"],
      );
      await assert.rejects(status("no-such"), ProviderRefused);
    });
  });

  describe("webhooks", () => {
    it("need the account's token, and are asked about in any case", async () => {
      await paid();
      await emulator.idle();
      const { rawBody, headers } = shop.received[0] ?? assert.fail("no webhook");
      const verify = (changes: object) =>
        adapter().verifyWebhook({ rawBody, headers, key: null, address: null, ...changes });
      await verify({});
      for (const token of [
        "",
        "x",
        `${headers["x-callback-token"]}x`,
        headers["x-callback-token"]?.toUpperCase(),
      ])
        await assert.rejects(verify({ headers: { ...headers, "x-callback-token": token } }), WebhookRejected);
      for (const body of ["", "{}", "[]", "null", '{"event":"refund.succeeded","data":{}}'])
        await assert.rejects(verify({ rawBody: Buffer.from(body) }), WebhookRejected, body);
      assert.equal(adapter().webhooksProve, false);
    });

    it("may come before the answer that opens the payment: they name it", () =>
      assertNamedByRacingWebhook(fixture));

    it("that were changed on the way change nothing", async () => {
      emulator.knobs.webhooks = { ...noFaults().webhooks, tamper: 1 };
      const ref = await paid();
      assert.equal((await events()).length, 1);
      assert.deepEqual((await status(ref)).amount, php(199_999));
    });

    it("about refunds are read in both forms of Xendit's own examples", async () => {
      const data = {
        id: "rfd-1",
        payment_id: "ddpy-1",
        invoice_id: "inv-1",
        amount: 100,
        currency: "PHP",
        status: "SUCCEEDED",
        reference_id: "not-ours",
        failure_code: null,
        created: "2020-08-30T09:12:33.001Z",
        updated: "2020-08-30T09:12:33.001Z",
      };
      const plain = { event: "refund.succeeded", business_id: "b", created: data.created, data };
      const headers = { "x-callback-token": emulator.environment.XENDIT_CALLBACK_TOKEN ?? "" };
      const read = (body: object) =>
        adapter().verifyWebhook({
          rawBody: Buffer.from(JSON.stringify(body)),
          headers,
          key: null,
          address: null,
        });
      const event = await read(plain);
      assert.deepEqual(await read({ ...plain, data: plain }), event);
      assert.deepEqual(
        [event.providerRef, event.paymentId, event.eventId],
        ["inv-1", null, "rfd-1:SUCCEEDED"],
      );
      assert.deepEqual(event.refunds, [
        { refundId: null, refundRef: "rfd-1", amount: php(10_000), status: "succeeded", reason: null },
      ]);
      // Not ours. It becomes an unknown payment, not a rejected webhook that is repeated for a day.
      assert.equal((await read({ ...plain, data: { ...data, invoice_id: null } })).providerRef, "ddpy-1");
    });

    it("are repeated by Xendit's schedule, but not after a time-out", async () => {
      const waits = [1, 2, 3, 4, 5, 6, 7].map((n) => retry(n, { status: 500 }));
      assert.deepEqual(
        waits.map((it) => it && it / MINUTE),
        [15, 45, 120, 180, 360, 720, null],
      );
      assert.equal(retry(1, { status: "timeout" }), null);
      shop.answer = () => (shop.received.length < 7 ? 500 : 200);
      await paid();
      assert.equal((await events()).length, 7);
      const hasty = await start({ timeoutMs: 50 });
      try {
        shop.received.length = 0;
        shop.answer = () => "never";
        const { providerRef } = await adapterWith(hasty.environment).createPayment(intent(), never);
        await hasty.pay(providerRef, "succeed");
        await hasty.idle();
        assert.equal(shop.received.length, 1);
      } finally {
        await hasty.close();
      }
    });
  });

  it("cancelling closes what is pending; over is fine; paid and unknown are refused", async () => {
    const ref = await open();
    await adapter().cancel(ref, never);
    assert.equal((await status(ref)).status, "expired");
    await adapter().cancel(ref, never);
    await assert.rejects(emulator.pay(ref, "succeed"));
    await assert.rejects(adapter().cancel(await paid(), never), ProviderRefused);
    await assert.rejects(adapter().cancel("no-such", never), ProviderRefused);
  });

  it("capturing takes nothing: it is taken when the customer pays", async () => {
    const ref = await open();
    const capture = () =>
      adapter().capture({ providerRef: ref, amount: php(199_999), idempotencyKey: newId() }, never);
    await assert.rejects(capture(), ProviderRefused);
    await emulator.pay(ref, "succeed");
    assert.equal((await capture()).status, "captured");
  });

  describe("refunds", () => {
    it("are taken on, then told; each once, and no more than was paid", async () => {
      const ref = await paid();
      const key = newId();
      const first = await refund(ref, 50_000, key);
      assert.deepEqual([first.refundId, first.status, first.amount], [key, "pending", php(50_000)]);
      const told = (await events()).at(-1);
      assert.deepEqual([told?.providerRef, told?.refunds[0]?.status], [ref, "succeeded"]);
      assert.deepEqual(await refund(ref, 50_000, key), { ...first, status: "succeeded" });
      await assert.rejects(refund(ref, 60_000, key), ProviderRefused);
      assert.equal((await status(ref)).status, "partially_refunded");
      await assert.rejects(refund(ref, 150_000), ProviderRefused);
      await refund(ref, 149_999);
      await emulator.idle();
      assert.equal((await status(ref)).status, "refunded");
      assert.equal(recordOf(ref)?.refunded, 199_999);
    });

    it("may fail in the end", async () => {
      await steer("refunds/end", { as: "FAILED" });
      const ref = await paid();
      await refund(ref, 1_000);
      const [, told] = await events();
      assert.deepEqual(
        [told?.refunds[0]?.status, told?.refunds[0]?.reason],
        ["failed", "INSUFFICIENT_BALANCE"],
      );
      assert.equal((await status(ref)).status, "captured");
      await assert.rejects(refund(await open(), 1_000), ProviderRefused);
    });

    it("are found again when the answer was lost", async () => {
      const ref = await paid();
      const key = newId();
      emulator.knobs.api = [{ route: "POST /refunds", times: 1, fault: "reset" }];
      await assert.rejects(refund(ref, 1_000, key), { type: "PROVIDER_FAILED" });
      assert.equal((await refund(ref, 1_000, key)).refundId, key);
      await emulator.idle();
      assert.equal(recordOf(ref)?.refunded, 1_000);
    });

    it("from the dashboard are told, as not ours; also when there are many", async () => {
      const ref = await paid();
      await emulator.refundAtProvider(ref, 1_000);
      const { refunds } = await status(ref);
      assert.deepEqual(
        refunds.map((it) => [it.refundId, it.amount.amount]),
        [[null, 1_000]],
      );
      for (let i = 0; i < 120; i++) await emulator.refundAtProvider(ref, 1);
      assert.equal((await status(ref)).refunds.length, 121);
    });
  });

  it("leaves unknown what the provider does not answer", () => assertUnknownWithoutAnswer(fixture));
});

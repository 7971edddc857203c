/** Midtrans' adapter against its emulator, over HTTP. What all providers share is in provider-conformance. */
import assert from "node:assert/strict";
import midtransClient from "midtrans-client";
import { newId } from "../../../../../broker/contract/ids.ts";
import { ConfigError } from "../../../../../broker/contract/variables.ts";
import { type Emulator, noFaults } from "../../emulator.ts";
import { retry, startMidtrans } from "../emulator/midtrans.ts";
import "../../../../contracts.ts";
import {
  assertNamedByRacingWebhook,
  assertUnknownWithoutAnswer,
  never,
  openProviderFixture,
  providerContext,
} from "../../../../../test/support/providers/provider-fixture.ts";
import {
  type PaymentProvider,
  ProviderMisconfigured,
  ProviderRefused,
  WebhookRejected,
} from "../../provider.ts";
import { midtrans } from "../midtrans.ts";

const idr = (rupiah: number) => ({ amount: rupiah * 100, currency: "IDR" });
const MINUTE = 60_000;
const fixture = await openProviderFixture({
  provider: midtrans,
  start: startMidtrans,
  money: idr,
  price: 150_000,
  timeScale: 1_000_000,
  // Our payments name their own address, so nothing comes here.
  webhookUrl: (shop) => `${shop}/account`,
});
const { clock, shop, emulator, adapter, adapterWith, intent, open, status, refund, recordOf, events } =
  fixture;
const paid = fixture.openAndPay;

/** Missing in the types of the official client. */
type CoreApi = midtransClient.CoreApi & {
  transaction: Record<
    "status" | "cancel" | "refundDirect" | "notification",
    (ref: string | object, body?: object) => Promise<Readonly<Record<string, string>>>
  >;
};

describe("Midtrans", () => {
  beforeEach(fixture.reset);
  after(fixture.close);

  /** The customer's action on the page of `opened`. */
  const onPage = async (url: string, act: object) => {
    const token = url.split("/").at(-1);
    const response = await fetch(`${emulator.url}/_sim/snap/${token}`, {
      method: "POST",
      body: JSON.stringify(act),
    });
    assert.equal(response.status, 200, await response.text());
  };
  const openPage = async () => {
    const opened = await adapter().createPayment(intent(), never);
    assert.equal(opened.nextAction?.type, "redirect");
    return {
      ref: opened.providerRef,
      url: opened.nextAction?.type === "redirect" ? opened.nextAction.url : "",
    };
  };

  describe("the emulator, by the official client as it is", () => {
    /** The client has no setting for its address, but its addresses are functions. */
    function client<T extends object>(it: T): T {
      assert.ok("apiConfig" in it && typeof it.apiConfig === "object" && it.apiConfig);
      Object.assign(it.apiConfig, {
        getSnapApiBaseUrl: () => `${emulator.url}/snap/v1`,
        getCoreApiBaseUrl: () => emulator.url,
      });
      return it;
    }
    const coreApi = () => client(new midtransClient.CoreApi(settings()) as CoreApi);
    const settings = () => ({
      isProduction: false,
      serverKey: emulator.environment.MIDTRANS_SERVER_KEY ?? "",
      clientKey: "",
    });

    it("opens, asks, refunds", async () => {
      const snap = client(new midtransClient.Snap(settings()));
      const core = coreApi();
      const order_id = newId();
      const body = { transaction_details: { order_id, gross_amount: 20_000 } };
      const { token, redirect_url } = await snap.createTransaction(body);
      assert.match(redirect_url, new RegExp(`/${token}$`));
      await assert.rejects(snap.createTransaction(body), { httpStatusCode: 400 });
      await assert.rejects(core.transaction.status(order_id), { httpStatusCode: "404" });
      await emulator.pay(order_id, "succeed");
      await emulator.idle();
      // This payment names no address of its own.
      assert.equal(shop.received[0]?.path, "/account");
      const told = await core.transaction.notification(
        JSON.parse(shop.received[0]?.rawBody.toString() ?? ""),
      );
      assert.deepEqual([told.transaction_status, told.gross_amount], ["settlement", "20000.00"]);
      const refunded = await core.transaction.refundDirect(order_id, {
        refund_key: "r1",
        amount: 5_000,
        reason: "x",
      });
      assert.equal(refunded.refund_amount, "5000.00");
      await assert.rejects(core.transaction.cancel(order_id), { httpStatusCode: "412" });
    });

    it("knows its server key", async () => {
      const snap = client(new midtransClient.Snap({ ...settings(), serverKey: "wrong" }));
      await assert.rejects(
        snap.createTransaction({ transaction_details: { order_id: "a", gross_amount: 1 } }),
        {
          httpStatusCode: 401,
        },
      );
    });

    it("tells of an expired payment, as the client expects", async () => {
      const ref = await open();
      await emulator.pay(ref, "expire");
      const core = coreApi();
      assert.equal((await core.transaction.status(ref)).transaction_status, "expire");
    });
  });

  describe("configuration", () => {
    it("is off without variables, and names the one that is missing", () => {
      assert.equal(midtrans.create(providerContext({}, clock)), null);
      assert.throws(
        () =>
          midtrans.create(providerContext({ MIDTRANS_API_BASE: "https://api.sandbox.midtrans.com" }, clock)),
        (error) => error instanceof ConfigError && /^MIDTRANS_SERVER_KEY: /.test(error.message),
      );
      assert.throws(
        () =>
          midtrans.create(
            providerContext({ MIDTRANS_SERVER_KEY: "x".repeat(20), MIDTRANS_SNAP_BASE: "ftp://x" }, clock),
          ),
        /MIDTRANS_SNAP_BASE/,
      );
    });

    it("says so when the key is wrong", async () => {
      const wrong = adapterWith({ MIDTRANS_SERVER_KEY: "SB-Mid-server-wrong" });
      await assert.rejects(wrong.createPayment(intent(), never), ProviderMisconfigured);
      await assert.rejects(wrong.fetchStatus(newId(), never), ProviderMisconfigured);
    });
  });

  describe("opening", () => {
    it("names the page to come back to, where the shop has one", async () => {
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
      assert.deepEqual(await pageOf({ orderId, returnUrl: "https://shop.example/thanks" }), [
        `https://shop.example/thanks?orderId=${orderId}`,
      ]);
      assert.deepEqual(await pageOf({}), []);
    });

    it("leads to a page, for whole rupiah, until the order's time is over", async () => {
      const { ref, url } = await openPage();
      assert.equal((await fetch(url)).status, 200);
      assert.deepEqual([recordOf(ref)?.amount, recordOf(ref)?.status], [15_000_000, "opened"]);
      assert.equal((await status(ref)).status, "pending");
      clock.advance(31 * MINUTE);
      await assert.rejects(emulator.pay(ref, "succeed"));
    });

    it("refuses what can't be asked for", async () => {
      for (const changes of [
        { amount: { amount: 1_000, currency: "USD" } },
        { amount: { amount: 1_050, currency: "IDR" } },
        { amount: idr(0) },
        { options: { bank: "bni" } },
        { expiresAt: new Date(clock.now() + 59_000) },
      ])
        await assert.rejects(open(changes), ProviderRefused);
    });

    it("gives the same page for the same payment", async () => {
      const it = intent();
      assert.deepEqual(await adapter().createPayment(it, never), await adapter().createPayment(it, never));
      assert.equal(emulator.records().filter((book) => book.paymentId === it.paymentId).length, 1);
    });

    it("finds the page whose address was lost on the way", async () => {
      const it = intent();
      emulator.knobs.api = [{ route: "POST /snap/v1/transactions", times: 1, fault: "reset" }];
      await assert.rejects(adapter().createPayment(it, never), { type: "PROVIDER_FAILED" });
      const { providerRef, nextAction } = await adapter().createPayment(it, never);
      assert.equal(providerRef, it.paymentId);
      assert.equal(nextAction?.type, "redirect");
    });

    describe("where Snap knows no idempotency keys", () => {
      let forgetful: Emulator;
      let other: PaymentProvider;
      before(async () => {
        forgetful = await startMidtrans(fixture.emulatorOptions, { idempotencyKeys: false });
        other = adapterWith(forgetful.environment);
      });
      after(() => forgetful.close());

      it("opens another page in place of one that nobody has seen", async () => {
        const it = intent();
        forgetful.knobs.api = [{ route: "POST /snap/v1/transactions", times: 1, fault: "reset" }];
        await assert.rejects(other.createPayment(it, never), { type: "PROVIDER_FAILED" });
        const { providerRef, nextAction } = await other.createPayment(it, never);
        assert.equal(providerRef, `${it.paymentId}-2`);
        assert.equal(nextAction?.type, "redirect");
        await forgetful.pay(providerRef, "succeed");
        await forgetful.idle();
        const { rawBody, headers } = shop.received[0] ?? assert.fail("no webhook");
        const event = await other.verifyWebhook({ rawBody, headers, key: null, address: null });
        assert.deepEqual([event.paymentId, event.providerRef], [it.paymentId, providerRef]);
      });

      it("leaves the customer on the page that he has picked a method on", async () => {
        const it = intent();
        const { providerRef } = await other.createPayment(it, never);
        await forgetful.pay(providerRef, "succeed");
        const again = await other.createPayment(it, never);
        assert.deepEqual([again.providerRef, again.nextAction], [it.paymentId, null]);
      });
    });
  });

  describe("what customers do", () => {
    it("pay: the shop is told at its own address, and told the truth", async () => {
      const ref = await paid();
      const [event, ...others] = await events();
      assert.deepEqual(others, []);
      assert.equal(shop.received[0]?.path, "/api/v1/payments/webhooks/midtrans");
      const report = await status(ref);
      assert.deepEqual([event?.status, event?.amount, event?.providerRef], ["captured", idr(150_000), ref]);
      assert.deepEqual(
        [report.status, report.amount, report.receipt],
        ["captured", idr(150_000), event?.receipt],
      );
    });

    it("pay another amount: that is what is told", async () => {
      const ref = await open();
      await emulator.pay(ref, "tooMuch");
      assert.deepEqual((await status(ref)).amount, idr(151_000));
    });

    it("are declined, cancel, or let it expire", async () => {
      for (const [outcome, expected] of [
        ["decline", "failed"],
        ["cancel", "cancelled"],
        ["expire", "expired"],
      ] as const) {
        const ref = await open();
        await emulator.pay(ref, outcome);
        assert.equal((await status(ref)).status, expected);
        assert.equal((await events()).at(-1)?.status, expected);
      }
    });

    it("pay by card: taken, denied and tried again, challenged", async () => {
      const card = await openPage();
      await onPage(card.url, { card: "4911 1111 1111 1113" });
      assert.equal((await status(card.ref)).status, "failed");
      await onPage(card.url, { card: "4811 1111 1111 1114" });
      assert.equal((await status(card.ref)).status, "captured");
      const [denied, taken] = await events();
      assert.notEqual(denied?.eventId, taken?.eventId);
      const challenged = await openPage();
      await onPage(challenged.url, { card: "4511 1111 1111 1117" });
      assert.deepEqual(
        [(await status(challenged.ref)).status, (await status(challenged.ref)).reason],
        ["processing", "under review"],
      );
    });

    it("wait for a review, which takes the money or does not, and can be called off by us", async () => {
      for (const [outcome, end] of [
        ["succeed", "captured"],
        ["decline", "failed"],
      ] as const) {
        const { ref } = await openPage();
        await emulator.pay(ref, "process");
        assert.deepEqual([(await status(ref)).status, (await status(ref)).amount], ["processing", null]);
        await emulator.pay(ref, outcome);
        assert.equal((await status(ref)).status, end);
      }
      const { ref } = await openPage();
      await emulator.pay(ref, "process");
      await adapter().cancel(ref, never);
      assert.equal((await status(ref)).status, "failed");
    });

    it("a settlement that is taken back is a dispute", async () => {
      const { ref, url } = await openPage();
      await onPage(url, { outcome: "settlement", paymentType: "echannel" });
      await onPage(url, { outcome: "reversal" });
      assert.deepEqual(
        (await events()).map((it) => it.status),
        ["captured", "disputed"],
      );
      const report = await status(ref);
      assert.deepEqual([report.status, report.amount], ["disputed", null]);
    });

    it("dispute with their bank", async () => {
      const ref = await paid();
      await emulator.dispute(ref);
      assert.equal((await status(ref)).status, "disputed");
      assert.equal((await events()).at(-1)?.status, "disputed");
    });
  });

  describe("webhooks", () => {
    it("are rejected when they were changed, and asked about in any case", async () => {
      emulator.knobs.webhooks = { ...noFaults().webhooks, tamper: 1 };
      const ref = await paid();
      await assert.rejects(events(), WebhookRejected);
      assert.deepEqual((await status(ref)).amount, idr(150_000));
      assert.equal(adapter().webhooksProve, false);
    });

    it("may come before the answer that opens the payment: they name it", () =>
      assertNamedByRacingWebhook(fixture));

    it("that come twice have one event id", async () => {
      emulator.knobs.webhooks = { ...noFaults().webhooks, duplicate: 1 };
      await paid();
      const ids = (await events()).map((it) => it.eventId);
      assert.equal(ids.length, 2);
      assert.equal(new Set(ids).size, 1);
    });

    it("are repeated by Midtrans' schedule, by what we answer", async () => {
      const minutes = (status: number | "timeout") => {
        const waits: (number | null)[] = [];
        for (let n = 1; waits.at(-1) !== null; n++) waits.push(retry(n, { status }));
        return waits.slice(0, -1).map((it) => (it ?? 0) / MINUTE);
      };
      assert.deepEqual(minutes(500), [2]);
      assert.deepEqual(minutes(503), [2, 10, 30, 90]);
      assert.deepEqual(minutes(404), [2, 10]);
      assert.deepEqual(minutes(302), []);
      assert.deepEqual(minutes(418), [2, 10, 30, 90, 210]);
      assert.deepEqual(minutes("timeout"), [2, 10, 30, 90, 210]);
      shop.answer = () => (shop.received.length < 3 ? 503 : 200);
      await paid();
      assert.equal((await events()).length, 3);
    });
  });

  describe("cancelling", () => {
    it("closes what is pending; over is fine; paid is refused", async () => {
      const { ref, url } = await openPage();
      await adapter().cancel(ref, never);
      await onPage(url, { outcome: "pending" });
      await adapter().cancel(ref, never);
      assert.equal((await status(ref)).status, "expired");
      await adapter().cancel(ref, never);
      await assert.rejects(emulator.pay(ref, "succeed"));
      await assert.rejects(adapter().cancel(await paid(), never), ProviderRefused);
    });

    it("denies what is under review", async () => {
      const { ref, url } = await openPage();
      await onPage(url, { outcome: "challenge" });
      await adapter().cancel(ref, never);
      assert.equal((await status(ref)).status, "failed");
    });

    it("never gives back what was paid by card", async () => {
      const { ref, url } = await openPage();
      await onPage(url, { outcome: "capture" });
      await assert.rejects(adapter().cancel(ref, never), ProviderRefused);
      assert.equal(recordOf(ref)?.captured, 15_000_000);
    });
  });

  describe("refunds", () => {
    it("give back a part and the rest, each once, and no more than was paid", async () => {
      const ref = await paid();
      const key = newId();
      const first = await refund(ref, 50_000, key);
      assert.deepEqual(await refund(ref, 50_000, key), first);
      assert.deepEqual([first.refundId, first.status, first.amount], [key, "succeeded", idr(50_000)]);
      await assert.rejects(refund(ref, 60_000, key), ProviderRefused);
      assert.equal((await status(ref)).status, "partially_refunded");
      await assert.rejects(refund(ref, 100_001), ProviderRefused);
      await refund(ref, 100_000);
      const report = await status(ref);
      assert.equal(report.status, "refunded");
      assert.deepEqual(
        report.refunds.map((it) => it.amount.amount),
        [5_000_000, 10_000_000],
      );
      assert.equal(recordOf(ref)?.refunded, 15_000_000);
    });

    it("are found again when the answer was lost", async () => {
      const ref = await paid();
      const key = newId();
      emulator.knobs.api = [{ route: "POST /v2/*/refund/online/direct", times: 1, fault: "reset" }];
      await assert.rejects(refund(ref, 1_000, key), { type: "PROVIDER_FAILED" });
      assert.equal((await refund(ref, 1_000, key)).status, "succeeded");
      assert.equal(recordOf(ref)?.refunded, 100_000);
    });

    it("from the dashboard are told, as not ours", async () => {
      const ref = await paid();
      await emulator.refundAtProvider(ref, 100_000);
      const { refunds } = await status(ref);
      assert.deepEqual(
        refunds.map((it) => [it.refundId, it.amount.amount]),
        [[null, 100_000]],
      );
      assert.deepEqual((await events()).at(-1)?.refunds, refunds);
    });

    it("of a card go the card's way: in full at once, in part after settlement", async () => {
      const { ref, url } = await openPage();
      await onPage(url, { outcome: "capture" });
      await assert.rejects(refund(ref, 1_000), ProviderRefused);
      const key = newId();
      assert.equal((await refund(ref, 150_000, key)).status, "succeeded");
      assert.equal((await refund(ref, 150_000, key)).status, "succeeded");
      assert.equal(recordOf(ref)?.captured, 0);
    });

    it("of a bank transfer are made by hand", async () => {
      const { ref, url } = await openPage();
      await onPage(url, { outcome: "settlement", paymentType: "bank_transfer" });
      await assert.rejects(refund(ref, 1_000), /bank_transfer/);
      await assert.rejects(refund(await open(), 1_000), ProviderRefused);
    });
  });

  it("leaves unknown what the provider does not answer", async () => {
    await assertUnknownWithoutAnswer(fixture);
    const ref = await open();
    emulator.knobs.api = [{ times: 1, fault: 401 }];
    await assert.rejects(status(ref), ProviderMisconfigured);
  });
});

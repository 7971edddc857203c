/** PayPal's adapter against its emulator, over HTTP. What all providers share is in provider-conformance. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { newId } from "../../../../../broker/contract/ids.ts";
import { createSigner } from "../emulator/certificate.ts";
import { startPayPal } from "../emulator/paypal.ts";
import "../../../../contracts.ts";
import {
  failureOf,
  never,
  openProviderFixture,
  providerContext,
} from "../../../../../test/support/providers/provider-fixture.ts";
import type { ReceivedWebhook } from "../../../../../test/support/providers/webhook-receiver.ts";
import { ProviderMisconfigured, ProviderRefused, WebhookRejected } from "../../provider.ts";
import { paypal } from "../paypal.ts";

const usd = (amount: number) => ({ amount, currency: "USD" });
const passing = { type: "PROVIDER_FAILED" };
const DAY_MS = 86_400_000;
const fixture = await openProviderFixture({
  provider: paypal,
  start: startPayPal,
  money: usd,
  price: 1_000,
  timeScale: 10_000_000,
});
const { clock, shop, emulator, adapter, adapterWith: make, intent, open, refund, recordOf, events } = fixture;
const approved = fixture.openAndPay;

describe("PayPal", () => {
  beforeEach(async () => {
    await fixture.reset();
    Object.assign(emulator.quirks, { captures: "COMPLETED", refunds: "COMPLETED", certUrl: null });
  });
  after(fixture.close);

  const capture = (providerRef: string, amount = usd(1_000), idempotencyKey = newId(), by = adapter()) =>
    by.capture({ providerRef, amount, idempotencyKey }, never);
  const paid = async () => {
    const ref = await approved();
    await capture(ref);
    return ref;
  };
  const status = async (ref: string) => (await fixture.status(ref)).status;
  const verify = ({ rawBody, headers }: Pick<ReceivedWebhook, "rawBody" | "headers">, by = adapter()) =>
    by.verifyWebhook({ rawBody, headers, key: null, address: null });

  describe("configured", () => {
    const made = (variables: Record<string, string>) => () =>
      paypal.create(providerContext(variables, clock));

    it("not at all: is not offered", () => assert.equal(made({})(), null));
    it("halfway: names the variable", () => {
      for (const name of ["PAYPAL_CLIENT_ID", "PAYPAL_CLIENT_SECRET", "PAYPAL_WEBHOOK_ID"]) {
        const { [name]: _, ...others } = emulator.environment;
        assert.throws(made(others), { name: "ConfigError", message: new RegExp(`^${name}: `) });
      }
      assert.throws(made({ PAYPAL_VERIFY: "postback" }), { message: /^PAYPAL_CLIENT_ID: / });
      assert.throws(made({ ...emulator.environment, PAYPAL_API_BASE: "http://paypal.example" }), {
        message: /^PAYPAL_API_BASE: /,
      });
    });
  });

  describe("tokens", () => {
    it("are asked for once by all, and again before they end", async () => {
      const { tokens } = emulator.counts;
      await Promise.all([open(), open(), open()]);
      await open();
      assert.equal(emulator.counts.tokens, tokens + 1);
      clock.advance(32_400_000 - 60_000);
      await open();
      assert.equal(emulator.counts.tokens, tokens + 2);
    });

    it("that PayPal does not take any more are replaced, once", async () => {
      await open();
      emulator.revokeTokens();
      await open();
      emulator.knobs.api = [{ times: 2, fault: 401, route: "POST /v2/checkout/orders" }];
      await assert.rejects(open(), ProviderMisconfigured);
      assert.equal(emulator.knobs.api.length, 0);
    });

    it("are not given for wrong credentials, which is for staff to mend", async () => {
      const wrong = make({ PAYPAL_CLIENT_SECRET: "secret_of_somebody_else" });
      await assert.rejects(open({}, wrong), (error: Error) => {
        assert.ok(error instanceof ProviderMisconfigured);
        return !JSON.stringify([error.message, error.cause, error.stack]).includes("somebody_else");
      });
      emulator.knobs.api = [{ times: 1, fault: 503, route: "POST /v1/oauth2/token" }];
      await assert.rejects(open(), passing);
      await open();
    });
  });

  describe("payments", () => {
    it("sends the customer to approve, tells PayPal our references, and takes the money then", async () => {
      const asked = intent();
      const { providerRef, nextAction } = await adapter().createPayment(asked, never);
      assert.equal(nextAction?.type, "redirect");
      assert.equal((await adapter().createPayment(asked, never)).providerRef, providerRef);
      await assert.rejects(capture(providerRef), ProviderRefused);
      const page = await fetch(nextAction.url);
      assert.match(await page.text(), /10\.00 USD/);
      const back = await fetch(nextAction.url, {
        method: "POST",
        body: new URLSearchParams({ outcome: "succeed" }),
        redirect: "manual",
      });
      assert.equal(
        back.headers.get("location"),
        `${shop.url}/api/v1/payments/return?orderId=${asked.orderId}&outcome=succeeded&token=${providerRef}`,
      );
      const authorized = await adapter().fetchStatus(providerRef, never);
      assert.deepEqual([authorized.status, authorized.amount], ["authorized", usd(1_000)]);
      const report = await capture(providerRef);
      assert.deepEqual([report.status, report.amount], ["captured", usd(1_000)]);
      assert.deepEqual(await adapter().fetchStatus(providerRef, never), report);
      const told = await events();
      assert.deepEqual(
        told.map((it) => [it.status, it.providerRef, it.paymentId, it.receipt]),
        [
          ["authorized", providerRef, asked.paymentId, null],
          ["captured", providerRef, asked.paymentId, report.receipt],
        ],
      );
    });

    it("takes the money once, however often it is asked to, and under whatever key", async () => {
      const ref = await approved();
      const key = newId();
      await Promise.all([capture(ref, usd(1_000), key), capture(ref, usd(1_000), key)]);
      assert.equal((await capture(ref)).status, "captured");
      assert.equal(recordOf(ref)?.captured, 1_000);
      const other = await approved();
      emulator.knobs.api = [{ times: 1, fault: "reset", route: "POST /v2/checkout/orders/*/capture" }];
      await assert.rejects(capture(other, usd(1_000), key), passing);
      assert.equal((await capture(other, usd(1_000), key)).status, "captured");
      assert.equal(recordOf(other)?.captured, 1_000);
    });

    it("takes the whole of an order, or a part of what is held", async () => {
      await assert.rejects(capture(await approved(), usd(400)), ProviderRefused);
      const holding = make({ PAYPAL_INTENT: "authorize" });
      const ref = await approved({}, holding);
      const report = await capture(ref, usd(400), newId(), holding);
      assert.deepEqual([report.status, report.amount], ["captured", usd(400)]);
      assert.equal((await capture(ref, usd(600), newId(), holding)).amount?.amount, 400);
      const other = await approved({}, holding);
      emulator.knobs.api = [{ times: 1, fault: 500, route: "POST /v2/payments/authorizations/*/capture" }];
      await assert.rejects(capture(other, usd(1_000), newId(), holding), passing);
      assert.equal(await status(other), "authorized");
      await assert.rejects(capture(other, usd(1_001), newId(), holding), ProviderRefused);
      assert.equal((await capture(other, usd(1_000), newId(), holding)).status, "captured");
    });

    it("lets go of what is held, leaves alone what lapses by itself, refuses what is paid", async () => {
      const holding = make({ PAYPAL_INTENT: "authorize" });
      const held = await approved({}, holding);
      emulator.knobs.api = [{ times: 1, fault: 500, route: "POST /v2/payments/authorizations/*/capture" }];
      await assert.rejects(capture(held, usd(1_000), newId(), holding), passing);
      await holding.cancel(held, never);
      await holding.cancel(held, never);
      assert.equal(await status(held), "cancelled");
      await assert.rejects(capture(held, usd(1_000), newId(), holding), ProviderRefused);
      await adapter().cancel(await open(), never);
      await adapter().cancel(await approved(), never);
      await assert.rejects(adapter().cancel(await paid(), never), ProviderRefused);
    });

    it("tells that the bank declines, and that PayPal thinks it over", async () => {
      const ref = await open();
      await emulator.pay(ref, "decline");
      const report = await capture(ref);
      assert.deepEqual([report.status, report.reason, report.amount], ["failed", "DECLINED_BY_BANK", null]);
      emulator.quirks.captures = "PENDING";
      const slow = await approved();
      const pending = await capture(slow);
      assert.deepEqual([pending.status, pending.amount], ["processing", null]);
      assert.ok(pending.receipt);
      await assert.rejects(adapter().cancel(slow, never), ProviderRefused);
      emulator.settleCapture(pending.receipt, "COMPLETED");
      assert.equal(await status(slow), "captured");
      assert.deepEqual(
        (await events()).map((it) => it.status),
        ["authorized", "failed", "authorized", "processing", "captured"],
      );
    });

    it("refuses currencies, fractions and options that it can't take, without asking", async () => {
      const unreachable = make({ PAYPAL_API_BASE: "http://127.0.0.1:9" });
      for (const changes of [
        { amount: { amount: 1_000, currency: "KES" } },
        { amount: { amount: 1_050, currency: "HUF" } },
        { options: { phone: "1" } },
      ])
        await assert.rejects(unreachable.createPayment(intent(changes), never), ProviderRefused);
      const yen = await approved({ amount: { amount: 500, currency: "JPY" } });
      assert.deepEqual((await capture(yen, { amount: 500, currency: "JPY" })).amount, {
        amount: 500,
        currency: "JPY",
      });
      const forint = await approved({ amount: { amount: 70_000, currency: "HUF" } });
      assert.equal((await adapter().fetchStatus(forint, never)).amount?.amount, 70_000);
    });

    it("tells apart who has to act: PayPal, staff, nobody", async () => {
      await open();
      const failing = async (fault: 401 | 429 | 500 | 503 | "reset" | "unreachable") => {
        emulator.knobs.api = [{ times: 2, fault, route: "POST /v2/checkout/orders" }];
        return failureOf(open());
      };
      assert.equal(await failing(401), "ProviderMisconfigured");
      for (const fault of [429, 500, 503, "reset", "unreachable"] as const)
        assert.equal(await failing(fault), "PROVIDER_FAILED", String(fault));
      await assert.rejects(adapter().fetchStatus("../../v1/oauth2/token", never), ProviderRefused);
      emulator.knobs.api = [{ times: 1, fault: "timeout" }];
      const started = Date.now();
      await assert.rejects(adapter().createPayment(intent(), AbortSignal.timeout(80)), passing);
      assert.ok(Date.now() - started < 5_000);
    });
  });

  describe("refunds", () => {
    it("are made once under our id, whatever becomes of the answer", async () => {
      const ref = await paid();
      const id = newId();
      emulator.knobs.api = [{ times: 1, fault: "reset", route: "POST /v2/payments/captures/*/refund" }];
      await assert.rejects(refund(ref, 300, id), passing);
      const made = await refund(ref, 300, id);
      assert.deepEqual([made.refundId, made.amount, made.status], [id, usd(300), "succeeded"]);
      clock.advance(60 * DAY_MS);
      assert.deepEqual(await refund(ref, 300, id), made);
      await assert.rejects(refund(ref, 301, id), ProviderRefused);
      await assert.rejects(refund(ref, 701), ProviderRefused);
      assert.equal(recordOf(ref)?.refunded, 300);
      await refund(ref, 700);
      const report = await adapter().fetchStatus(ref, never);
      assert.deepEqual(
        [report.status, report.refunds.map((it) => it.refundId).includes(id)],
        ["refunded", true],
      );
      await assert.rejects(refund(ref, 1), ProviderRefused);
    });

    it("may take their time, and fail; those made at PayPal have no id of ours", async () => {
      emulator.quirks.refunds = "PENDING";
      const ref = await paid();
      const made = await refund(ref, 300);
      assert.equal(made.status, "pending");
      emulator.settleRefund(made.refundRef, "FAILED");
      emulator.quirks.refunds = "COMPLETED";
      await emulator.refundAtProvider(ref, 200);
      const told = (await events()).filter((it) => it.refunds.length > 0);
      assert.deepEqual(
        told.map((it) => [it.refunds[0]?.refundId, it.refunds[0]?.status, it.refunds[0]?.reason]),
        [
          [made.refundId, "pending", null],
          [made.refundId, "failed", "ECHECK"],
          [null, "succeeded", null],
        ],
      );
      assert.equal(new Set(told.map((it) => it.paymentId)).size, 1);
      // PayPal names only the capture. The order is looked up.
      assert.deepEqual(new Set(told.map((it) => it.providerRef)), new Set([ref]));
      const report = await adapter().fetchStatus(ref, never);
      assert.equal(report.status, "partially_refunded");
      assert.deepEqual(report.refunds.map((it) => it.amount.amount).sort(), [200, 300]);
      await assert.rejects(refund(await approved(), 1), ProviderRefused);
    });

    it("tell from a dispute, which PayPal keeps apart", async () => {
      const ref = await paid();
      await emulator.dispute(ref);
      const disputed = (await events()).at(-1);
      assert.deepEqual([disputed?.status, disputed?.reason], ["disputed", "UNAUTHORISED"]);
      assert.deepEqual([disputed?.paymentId, disputed?.providerRef], [recordOf(ref)?.paymentId, ref]);
      emulator.knobs.api = [{ times: 1, fault: 503, route: "GET /v2/payments/captures/*" }];
      await assert.rejects(verify(shop.received.at(-1) as ReceivedWebhook), passing);
      assert.equal(await status(ref), "disputed");
      emulator.knobs.api = [{ times: 2, fault: 401, route: "GET /v1/customer/disputes" }];
      const { status: seen, disputesUnseen } = await adapter().fetchStatus(ref, never);
      assert.deepEqual([seen, disputesUnseen], ["captured", true]);
    });

    it("tell that the bank has taken it back, after which nothing is left", async () => {
      const ref = await paid();
      const receipt = (await adapter().fetchStatus(ref, never)).receipt;
      emulator.reverse(ref);
      const told = (await events()).at(-1);
      assert.deepEqual([told?.status, told?.amount, told?.providerRef], ["disputed", null, ref]);
      const { status, amount, receipt: same, reason } = await adapter().fetchStatus(ref, never);
      assert.deepEqual([status, amount, same, reason], ["disputed", null, receipt, null]);
      await assert.rejects(refund(ref, 1), ProviderRefused);
    });
  });

  describe("webhooks", () => {
    /** A valid one. */
    const received = async (): Promise<ReceivedWebhook> => {
      await approved();
      await emulator.idle();
      const [webhook] = shop.received;
      assert.ok(webhook);
      return webhook;
    };
    const changed = ({ rawBody, headers }: ReceivedWebhook, changes: Record<string, string | undefined>) => ({
      rawBody,
      headers: Object.fromEntries(
        Object.entries({ ...headers, ...changes }).filter(([, value]) => value !== undefined),
      ) as Record<string, string>,
    });

    it("are verified against the certificate, which is fetched once", async () => {
      const { certificates } = emulator.counts;
      const webhook = await received();
      const both = await Promise.all([verify(webhook), verify(webhook)]);
      assert.equal(both[0]?.eventId, both[1]?.eventId);
      await paid();
      await events();
      assert.equal(emulator.counts.certificates, certificates + 1);
    });

    it("are refused when anything is off", async () => {
      const webhook = await received();
      const flipped = Buffer.from(webhook.rawBody);
      flipped[flipped.length - 5] = (flipped[flipped.length - 5] ?? 0) ^ 1;
      const sig = webhook.headers["paypal-transmission-sig"] ?? "";
      for (const [what, sent] of [
        ["a flipped bit", { ...webhook, rawBody: flipped }],
        ["an empty body", { ...webhook, rawBody: Buffer.alloc(0) }],
        ["another transmission", changed(webhook, { "paypal-transmission-id": "other" })],
        [
          "a transmission id that reaches into the time",
          changed(webhook, { "paypal-transmission-id": "a|b" }),
        ],
        [
          "another time",
          changed(webhook, { "paypal-transmission-time": new Date(clock.now() + 1_000).toISOString() }),
        ],
        ["no time", changed(webhook, { "paypal-transmission-time": "soon" })],
        ["another signature", changed(webhook, { "paypal-transmission-sig": `${sig.slice(4)}AAAA` })],
        ["half a signature", changed(webhook, { "paypal-transmission-sig": sig.slice(0, 100) })],
        ["another algorithm", changed(webhook, { "paypal-auth-algo": "SHA1withRSA" })],
        ["no signature", changed(webhook, { "paypal-transmission-sig": undefined })],
        ["no certificate", changed(webhook, { "paypal-cert-url": undefined })],
        [
          "a certificate that is not there",
          changed(webhook, { "paypal-cert-url": `${emulator.url}/v1/notifications/certs/CERT-none` }),
        ],
        [
          "an address that is no certificate's",
          changed(webhook, { "paypal-cert-url": `${emulator.url}/_sim/records` }),
        ],
      ] as const)
        await assert.rejects(verify(sent), WebhookRejected, what);
      await assert.rejects(verify(webhook, make({ PAYPAL_WEBHOOK_ID: "ANOTHER0WEBHOOK" })), WebhookRejected);
      await verify(webhook);
    });

    it("are good for as long as PayPal goes on repeating, and not before their time", async () => {
      const webhook = await received();
      const at = (ms: number) => make({}, clock.now() + ms);
      await verify(webhook, at(3 * DAY_MS));
      await verify(webhook, at(-200_000));
      await assert.rejects(verify(webhook, at(4 * DAY_MS)), WebhookRejected);
      await assert.rejects(verify(webhook, at(-400_000)), WebhookRejected);
    });

    describe("whose certificate is elsewhere", () => {
      let server: Server;
      let requests: string[];
      let answer: { status: number; headers?: Record<string, string>; body: string };
      let port: number;

      before(async () => {
        server = createServer((request, response) => {
          requests.push(request.url ?? "");
          response.writeHead(answer.status, answer.headers).end(answer.body);
        });
        server.listen(0, "127.0.0.1");
        await once(server, "listening");
        ({ port } = server.address() as AddressInfo);
      });
      after(() => {
        server.closeAllConnections();
        server.close();
      });
      beforeEach(() => {
        requests = [];
        answer = { status: 200, body: "" };
      });

      it("are refused without asking anybody", async () => {
        const webhook = await received();
        const fetchBefore = globalThis.fetch;
        const asked: string[] = [];
        globalThis.fetch = (async (url: string | URL | Request) => {
          asked.push(String(url));
          throw new Error("no network here");
        }) as typeof fetch;
        try {
          for (const host of [
            `http://127.0.0.1:${port}`,
            `https://127.0.0.1:${port}`,
            "http://169.254.169.254",
            "https://paypal.com.evil.test",
            "https://evilpaypal.com",
            "https://api.paypal.com@evil.test",
            "https://user:pass@api.paypal.com",
            "https://api.paypal.com:8443",
            "http://api.paypal.com",
            "https://evil.test#.paypal.com",
            "https://evil.test/.paypal.com",
            "https://evil.test\\.paypal.com",
            "file:///etc",
            "//api.paypal.com",
          ])
            await assert.rejects(
              verify(changed(webhook, { "paypal-cert-url": `${host}/v1/notifications/certs/CERT-1` })),
              WebhookRejected,
              host,
            );
          for (const path of ["/v1/oauth2/token", "/v1/notifications/certs/../../v1/oauth2/token"])
            await assert.rejects(
              verify(changed(webhook, { "paypal-cert-url": `https://api.paypal.com${path}` })),
              WebhookRejected,
              path,
            );
          assert.deepEqual(asked, []);
          await assert.rejects(
            verify(
              changed(webhook, { "paypal-cert-url": "https://api.paypal.com/v1/notifications/certs/CERT-1" }),
            ),
            passing,
          );
          assert.deepEqual(asked, ["https://api.paypal.com/v1/notifications/certs/CERT-1"]);
        } finally {
          globalThis.fetch = fetchBefore;
        }
        assert.deepEqual(requests, []);
      });

      /** A webhook that names the server's certificate, for an adapter that trusts it. */
      const served = async () => ({
        webhook: changed(await received(), {
          "paypal-cert-url": `http://127.0.0.1:${port}/v1/notifications/certs/CERT-1`,
        }),
        trusting: make({ PAYPAL_CERT_HOSTS: `127.0.0.1:${port}` }),
      });

      it("are taken with a signature that openssl made", async () => {
        const vector = JSON.parse(readFileSync(new URL("./vector.json", import.meta.url), "utf8")) as Record<
          string,
          string
        >;
        answer = { status: 200, body: vector.certificate ?? "" };
        const { body = "", transmissionTime = "" } = vector;
        const then = make(
          { PAYPAL_WEBHOOK_ID: vector.webhookId, PAYPAL_CERT_HOSTS: `127.0.0.1:${port}` },
          Date.parse(transmissionTime),
        );
        const event = await verify(
          {
            rawBody: Buffer.from(body),
            headers: {
              "paypal-transmission-id": vector.transmissionId ?? "",
              "paypal-transmission-time": transmissionTime,
              "paypal-transmission-sig": vector.signature ?? "",
              "paypal-cert-url": `http://127.0.0.1:${port}/v1/notifications/certs/CERT-1`,
              "paypal-auth-algo": "SHA256withRSA",
            },
          },
          then,
        );
        assert.deepEqual(
          [event.eventId, event.status, event.amount, event.providerRef],
          [
            "WH-2WR32451HC0233532-67976317FL4543714",
            "captured",
            { amount: 1_299, currency: "EUR" },
            "1W5313654M9708630",
          ],
        );
      });

      it("do not lead any further by a redirect", async () => {
        const { webhook, trusting } = await served();
        answer = { status: 302, headers: { location: `http://127.0.0.1:${port}/secret` }, body: "" };
        await assert.rejects(verify(webhook, trusting), passing);
        assert.deepEqual(requests, ["/v1/notifications/certs/CERT-1"]);
      });

      it("can be verified later when it can't be had now, and never with what is none", async () => {
        const { webhook, trusting } = await served();
        answer = { status: 503, body: "" };
        await assert.rejects(verify(webhook, trusting), passing);
        answer = { status: 200, body: "x".repeat(100_000) };
        await assert.rejects(verify(webhook, trusting), passing);
        answer = { status: 200, body: "hello" };
        await assert.rejects(verify(webhook, trusting), WebhookRejected);
        const own = await fetch(emulatorCertificate());
        answer = { status: 200, body: await own.text() };
        await verify(webhook, trusting);
      });

      it("are refused outside the certificate's time, and for a weak key", async () => {
        const { webhook } = await served();
        const now = clock.now();
        for (const [what, signer] of [
          ["over", await createSigner(now, { until: now - 1_000 })],
          ["not yet", await createSigner(now, { from: now + 60_000 })],
          ["weak", await createSigner(now, { bits: 1_024 })],
        ] as const) {
          answer = { status: 200, body: signer.certificate };
          const id = webhook.headers["paypal-transmission-id"] ?? "";
          const time = webhook.headers["paypal-transmission-time"] ?? "";
          const webhookId = emulator.environment.PAYPAL_WEBHOOK_ID ?? "";
          const signature = signer.sign(id, time, webhookId, webhook.rawBody.toString());
          await assert.rejects(
            verify(
              { ...webhook, headers: { ...webhook.headers, "paypal-transmission-sig": signature } },
              make({ PAYPAL_CERT_HOSTS: `127.0.0.1:${port}` }),
            ),
            WebhookRejected,
            what,
          );
        }
      });

      const emulatorCertificate = () => shop.received[0]?.headers["paypal-cert-url"] ?? "";
    });

    it("can be verified by asking PayPal, with the bytes that came", async () => {
      const asking = make({ PAYPAL_VERIFY: "postback" });
      const { certificates } = emulator.counts;
      const webhook = await received();
      assert.equal((await verify(webhook, asking)).status, "authorized");
      assert.equal(emulator.counts.certificates, certificates);
      const spaced = Buffer.from(JSON.stringify(JSON.parse(webhook.rawBody.toString()), null, 1));
      await assert.rejects(verify({ ...webhook, rawBody: spaced }, asking), WebhookRejected);
      const injected = Buffer.from(`${webhook.rawBody.toString()},"webhook_id":"X"`);
      await assert.rejects(verify({ ...webhook, rawBody: injected }, asking), WebhookRejected);
      const elsewhere = changed(webhook, { "paypal-cert-url": "https://evil.test/v1/notifications/certs/C" });
      await assert.rejects(verify(elsewhere, asking), WebhookRejected);
      emulator.knobs.api = [{ times: 1, fault: 503 }];
      await assert.rejects(verify(webhook, asking), passing);
    });

    it("tell of approvals that have lapsed", async () => {
      const ref = await approved();
      await emulator.pay(ref, "expire");
      const [, lapsed] = await events();
      assert.deepEqual([lapsed?.status, lapsed?.providerRef], ["expired", ref]);
    });

    it("are looked up: other bodies may have the same checksum", () =>
      assert.equal(adapter().webhooksProve, false));

    it("are repeated under the same id, with transmissions of their own, until they are taken", async () => {
      let refusals = 2;
      shop.answer = () => (refusals-- > 0 ? 503 : 200);
      await approved();
      const told = await events();
      assert.equal(told.length, 3);
      assert.equal(new Set(told.map((it) => it.eventId)).size, 1);
      assert.equal(new Set(shop.received.map((it) => it.headers["paypal-transmission-id"])).size, 3);
    });
  });
});

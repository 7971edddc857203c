/**
 * The required behaviour of every payment provider in the shop: the whole shop over HTTP against the provider's
 * emulator. A provider's spec calls it with the provider's traits. What a provider can't do is tested to be refused,
 * or left out where there is nothing to refuse.
 */
import assert from "node:assert/strict";
import { errorCode } from "../../broker/contract/errors.ts";
import { newId } from "../../broker/contract/ids.ts";
import type { Money } from "../../broker/contract/schemas.ts";
import { createProviders } from "../../services/payments/providers/create-providers.ts";
import { calm, type Knobs } from "../../services/payments/providers/emulator.ts";
import { eventually } from "./eventually.ts";
import { noCalls } from "./provider-fixture.ts";
import { openProviderShop, type ProviderShop, staff } from "./provider-shop.ts";
import type { Capability, ProviderTraits } from "./provider-traits.ts";
import { cardNumbersIn, secretsIn } from "./secrets-in.ts";

/** Variables of an emulator that may stand in a log. */
const PUBLIC_VARIABLE = /(_API_BASE|_URL|_HOST|_CAPTURE|_INTENT|_SHORTCODE|_MODE|_TYPE|_ENV|_CURRENCY)$/;

export function providerConformance(traits: ProviderTraits): void {
  const { takes, refuses, webhooks, can, limits = [] } = traits;
  const { name } = traits.provider;
  const [price] = takes;
  const does = (it: Capability) => can.includes(it);

  describe(`the shop with ${name}`, function () {
    this.timeout(60_000);
    let floor: ProviderShop;
    const disputed = new Map<string, number>();

    before(async () => {
      floor = await openProviderShop(traits);
    });
    after(() => floor?.close());
    beforeEach(async () => {
      await floor.emulator.idle();
      calmed();
      floor.relay.held = null;
    });

    const calmed = () => {
      const { webhooks, autopay } = calm();
      Object.assign(floor.emulator.knobs.webhooks, webhooks);
      floor.emulator.knobs.api.length = 0;
      floor.emulator.knobs.autopay = autopay;
    };
    const webhookFaults = (faults: Partial<Knobs["webhooks"]>) =>
      Object.assign(floor.emulator.knobs.webhooks, faults);
    const is = (status: string) => (it: { status: string }) => it.status === status;

    /** An order that waits for its customer, and how its provider calls it. */
    async function open(total: Money = price) {
      const { order, meta } = await floor.order(total);
      const payment = await floor.payment(order.id, is("pending"));
      return { id: order.id, meta, paymentId: payment.id, ref: await floor.refOf(payment.id) };
    }
    async function paid(total: Money = price) {
      const it = await open(total);
      await floor.emulator.pay(it.ref, "succeed");
      await floor.reaches(it.id, "paid");
      return it;
    }

    const entry = async (ref: string) => (await floor.books()).find((it) => it.providerRef === ref);
    const captured = async (ref: string, total: Money) => {
      const it = await entry(ref);
      assert.deepEqual([it?.captured, it?.currency], [total.amount, total.currency]);
    };
    const part = Math.floor(price.amount / 4 / 100) * 100 || 1;
    const refund = (paymentId: string, amount?: number) =>
      floor.call(
        "payments.refund",
        { id: paymentId, reason: "back", ...(amount === undefined ? {} : { amount }) },
        { ...staff, idempotencyKey: newId() },
      );

    for (const total of takes)
      it(`takes ${total.amount} ${total.currency}, exactly, and finds it by its receipt`, async () => {
        const it = await paid(total);
        await captured(it.ref, total);
        const payment = await floor.payment(it.id, is("captured"));
        assert.deepEqual([payment.captured, payment.amount], [total, total]);
        assert.ok(payment.receipt, "it has a receipt");
        const found = await floor.call("payments.list", { receipt: payment.receipt });
        assert.deepEqual(
          found.items.map((one) => [one.id, one.customerId]),
          [[it.paymentId, it.meta.user?.id]],
        );
        assert.deepEqual(await floor.anomalies(it.paymentId), []);
      });

    if (refuses)
      it(`does not take ${refuses.currency}`, async () => {
        const { order } = await floor.order(refuses);
        const payment = await floor.payment(order.id, is("failed"));
        assert.ok(payment.failure);
        assert.equal((await floor.call("orders.get", { id: order.id })).status, "awaiting_payment");
      });

    it("opens one payment however often it is asked to", async () => {
      const it = await open();
      const { expiresAt, number } = await floor.call("orders.get", { id: it.id });
      const before = (await floor.books()).length;
      for (let n = 0; n < 2; n++)
        await floor.publish("provider.open", it.paymentId, {
          orderId: it.id,
          orderNumber: number,
          customerId: it.meta.user?.id ?? "",
          amount: price,
          payment: { provider: name, ...(traits.payment ? { options: traits.payment } : {}) },
          expiresAt: expiresAt ?? "",
        });
      if (does("createOnce")) assert.equal((await floor.books()).length, before);
      await floor.emulator.pay(it.ref, "succeed");
      await floor.reaches(it.id, "paid");
      const mine = (await floor.books()).filter((one) => one.captured > 0 && one.paymentId === it.paymentId);
      assert.ok(mine.length <= 1, "it is paid once");
    });

    if (limits.includes("silentDecline"))
      it("waits while the customer is declined and tries again there", async () => {
        const it = await open();
        await floor.emulator.pay(it.ref, "decline");
        await floor.emulator.pay(it.ref, "succeed");
        await floor.reaches(it.id, "paid");
        assert.deepEqual(await floor.anomalies(it.paymentId), []);
      });
    else
      it("passes on that the customer declined, and takes another attempt", async () => {
        const it = await open();
        await floor.emulator.pay(it.ref, "decline");
        await floor.payment(it.id, (one) => ["failed", "cancelled"].includes(one.status));
        await floor.call(
          "orders.pay",
          { id: it.id, provider: name, ...(traits.payment ? { options: traits.payment } : {}) },
          { ...it.meta, idempotencyKey: newId(), preferWait: 10 },
        );
        const second = await floor.payment(it.id, is("pending"));
        assert.notEqual(second.id, it.paymentId);
        await floor.emulator.pay(await floor.refOf(second.id), "succeed");
        await floor.reaches(it.id, "paid");
      });

    if (does("retryAfterDecline"))
      it("counts a capture after a failure at the provider", async () => {
        const it = await open();
        await floor.emulator.pay(it.ref, "decline");
        await floor.payment(it.id, is("failed"));
        await floor.emulator.pay(it.ref, "succeed");
        await floor.reaches(it.id, "paid");
      });

    it("passes on that time ran out there", async () => {
      const it = await open();
      await floor.emulator.pay(it.ref, "expire");
      await floor.payment(it.id, (one) => ["expired", "cancelled", "failed"].includes(one.status));
      assert.equal((await floor.call("orders.get", { id: it.id })).status, "awaiting_payment");
    });

    describe("its webhooks", () => {
      it("count once when they come again and again, at once and late", async () => {
        const it = await open();
        webhookFaults({ duplicate: 1 });
        const from = floor.relay.received.length;
        await floor.emulator.pay(it.ref, "succeed");
        await floor.reaches(it.id, "paid");
        await eventually("it came twice", () => floor.relay.received.length >= from + 2);
        await floor.emulator.idle();
        const all = floor.relay.received.slice(from);
        const statuses = await Promise.all([...all, ...all].map((one) => floor.relay.deliver(one)));
        assert.ok(
          statuses.every((status) => status >= 200 && status < 300),
          statuses.join(", "),
        );
        const payment = await floor.payment(it.id, is("captured"));
        assert.deepEqual(payment.captured, price);
        assert.deepEqual(await floor.anomalies(it.paymentId), []);
        await captured(it.ref, price);
      });

      it("may come in any order", async () => {
        webhookFaults({ reorder: 1 });
        const some = await Promise.all([open(), open(), open()]);
        for (const it of some) await floor.emulator.pay(it.ref, "succeed");
        for (const it of some) await floor.reaches(it.id, "paid");
        for (const it of some) assert.deepEqual(await floor.anomalies(it.paymentId), []);
      });

      it("change nothing when they were changed on their way", async () => {
        const it = await open();
        webhookFaults({ tamper: 1 });
        const from = floor.relay.answered.length;
        await floor.emulator.pay(it.ref, "succeed");
        if (webhooks.proof === "signature")
          await eventually("it is rejected", () =>
            floor.relay.answered.slice(from).some((status) => status === 400 || status === 401),
          );
        // The truth comes out when the provider is asked.
        await floor.reaches(it.id, "paid");
        if (limits.includes("unsignedAmount"))
          await eventually("staff hear of it", async () =>
            (await floor.anomalies(it.paymentId)).includes("amount_mismatch"),
          );
        const told = limits.includes("unsignedAmount") ? ["amount_mismatch"] : [];
        assert.deepEqual(await floor.anomalies(it.paymentId), told);
        await captured(it.ref, price);
      });

      it("are rejected with a changed or missing proof, whatever they say", async () => {
        const it = await open();
        floor.relay.held = [];
        await floor.emulator.pay(it.ref, "succeed");
        const held = await eventually("a webhook is held", () => floor.relay.held?.[0]);
        const isRejected = (status: number, what: string) =>
          assert.ok(status === 400 || status === 401, `${what}: ${status}`);
        if (webhooks.proof === "signature") {
          const flipped = Buffer.from(held.rawBody);
          flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] ?? 0) ^ 1;
          isRejected(await floor.relay.deliver({ ...held, rawBody: flipped }), "with a flipped bit");
        }
        if (webhooks.proof === "signature" || webhooks.proof === "token")
          isRejected(
            await floor.relay.deliver({ ...held, headers: { "content-type": "application/json" } }),
            "without its headers",
          );
        if (webhooks.proof !== "none")
          isRejected(await floor.relay.deliver({ ...held, rawBody: Buffer.from("{}") }), "without its body");
        assert.equal((await floor.payment(it.id)).id, it.paymentId);
        await floor.reaches(it.id, "paid");
      });

      if (webhooks.stale)
        it("are rejected when they are old", async () => {
          const it = await open();
          floor.relay.held = [];
          await floor.emulator.pay(it.ref, "succeed");
          const held = await eventually("a webhook is held", () => floor.relay.held?.[0]);
          floor.relay.held = null;
          floor.advance(3_600_000);
          const status = await floor.relay.deliver(held);
          assert.ok(status === 400 || status === 401, `${status}`);
        });

      it("about payments that nobody knows are taken and kept for staff", async () => {
        const { config, clock, database } = floor.shop.node.runtime;
        const context = {
          config,
          clock,
          log: floor.shop.node.runtime.logger("test"),
          database: database("payments"),
          call: noCalls,
          publicUrl: () => floor.relay.url,
        };
        const adapter = createProviders(context, [traits.provider]).find(name);
        assert.ok(adapter);
        const paymentId = newId();
        const opened = await adapter.createPayment(
          {
            paymentId,
            orderId: newId(),
            orderNumber: "S-0",
            customerId: newId(),
            amount: price,
            expiresAt: new Date(clock.now() + 600_000),
            options: traits.payment ?? {},
          },
          new AbortController().signal,
        );
        const from = floor.relay.answered.length;
        await floor.emulator.pay(opened.providerRef, "succeed");
        await eventually("the shop has answered", () => floor.relay.answered.length > from);
        assert.ok(floor.relay.answered.slice(from).every((status) => status < 300));
        // An agreed payment has cost nothing yet, and nobody captures it here.
        if (!does("takeAtOnce")) {
          assert.equal((await entry(opened.providerRef))?.captured, 0);
          return;
        }
        floor.advance(60_000);
        await eventually(
          "staff know",
          async () => {
            const { items } = await floor.call("payments.anomalies", { limit: 100 });
            return items.some((it) => it.kind === "unknown_payment" && it.providerRef === opened.providerRef);
          },
          20_000,
        );
      });

      it("may get lost: the provider is asked", async () => {
        const it = await open();
        webhookFaults({ drop: 1 });
        await floor.emulator.pay(it.ref, "succeed");
        await floor.reaches(it.id, "paid");
        await captured(it.ref, price);
      });
    });

    if (does("tooMuch"))
      it("is not paid with another amount, and staff hear of it", async () => {
        const it = await open();
        await floor.emulator.pay(it.ref, "tooMuch");
        await eventually("staff hear of it", async () =>
          (await floor.anomalies(it.paymentId)).includes("amount_mismatch"),
        );
        assert.equal((await floor.call("orders.get", { id: it.id })).status, "awaiting_payment");
      });

    if (does("apiFaults"))
      for (const fault of [503, "unreachable", "reset", "timeout"] as const)
        it(`opens one payment although its API fails: ${fault}`, async () => {
          floor.emulator.knobs.api.push({ times: fault === "timeout" ? 1 : 2, fault });
          const it = await open();
          await floor.emulator.pay(it.ref, "succeed");
          await floor.reaches(it.id, "paid");
          const mine = (await floor.books()).filter((one) => one.paymentId === it.paymentId);
          if (does("createOnce")) assert.ok(mine.length <= 1, `${mine.length} were opened`);
          assert.deepEqual(await floor.anomalies(it.paymentId), []);
        });

    if (does("misconfigure"))
      it("tells staff of wrong credentials, the customer nothing of them, and goes on when they are mended", async () => {
        floor.emulator.knobs.api.push({ times: 1_000, fault: 401 });
        const { order } = await floor.order(price, {}, 0);
        const failed = await eventually("the opening has failed", async () => {
          const { items } = await floor.call("payments.openings", { limit: 100 });
          return items.find((one) => one.orderId === order.id);
        });
        assert.equal(failed.trouble, "misconfigured");
        const seen = await floor.payment(order.id);
        assert.equal(seen.status, "requested");
        assert.ok(!seen.failure?.includes(failed.reason), "the reason is staff's");
        assert.deepEqual(await floor.anomalies(failed.paymentId), ["provider_misconfigured"]);
        floor.emulator.knobs.api.length = 0;
        await floor.payment(order.id, is("pending"), 30_000);
      });

    it("gives back by itself what is paid for a cancelled order", async () => {
      const it = await open();
      webhookFaults({ drop: 1 });
      await floor.emulator.pay(it.ref, "succeed");
      // It was faster than our cancel, or the reconciler was. Then there is nothing to show.
      const cancelled = await floor
        .call("orders.cancel", { id: it.id }, it.meta)
        .then(() => true)
        .catch((error: unknown) => {
          assert.equal(errorCode(error), "ORDER_NOT_CANCELLABLE");
          return false;
        });
      assert.ok(cancelled, "the cancelling came first");
      if (!does("takeAtOnce")) {
        await floor.payment(it.id, is("cancelled"));
        await floor.emulator.idle();
        assert.equal((await entry(it.ref))?.captured, 0);
        return;
      }
      await eventually(
        "staff know, or it is given back",
        async () => (await floor.anomalies(it.paymentId)).includes("capture_after_end"),
        15_000,
      );
      if (!does("refund")) return;
      if (limits.includes("refundNeedsWebhook")) {
        await eventually("staff know that it is theirs to give back", async () =>
          (await floor.anomalies(it.paymentId)).includes("refund_failed"),
        );
        assert.equal((await entry(it.ref))?.refunded, 0);
        return;
      }
      await floor.payment(it.id, is("refunded"));
      assert.equal((await entry(it.ref))?.refunded, price.amount);
      assert.equal((await floor.call("orders.get", { id: it.id })).status, "cancelled");
    });

    it("closes what a cancelled order does not need", async () => {
      const it = await open();
      await floor.call("orders.cancel", { id: it.id }, it.meta);
      await floor.payment(it.id, is("cancelled"));
      assert.equal((await entry(it.ref))?.captured ?? 0, 0);
    });

    if (does("refund")) {
      it("gives all of it back", async () => {
        const it = await paid();
        await refund(it.paymentId);
        await floor.payment(it.id, is("refunded"));
        await floor.reaches(it.id, "refunded");
        assert.equal((await entry(it.ref))?.refunded, price.amount);
      });

      if (traits.refundRoute)
        for (const fault of ["reset", "timeout"] as const)
          it(`gives back once although the answer is lost: ${fault}`, async () => {
            const it = await paid();
            floor.emulator.knobs.api.push({ times: 1, fault, route: traits.refundRoute });
            await refund(it.paymentId, part);
            await eventually("the answer is lost", () => floor.emulator.knobs.api.length === 0);
            const payment = await floor.payment(it.id, (one) => one.refunded.amount === part, 30_000);
            assert.deepEqual(
              payment.refunds.map((one) => one.status),
              ["succeeded"],
            );
            assert.equal((await entry(it.ref))?.refunded, part);
            assert.deepEqual(await floor.anomalies(it.paymentId), []);
          });

      it("never gives back more than it took", async () => {
        const it = await paid();
        const failure = await refund(it.paymentId, price.amount + 1).catch(errorCode);
        assert.equal(failure, "REFUND_TOO_LARGE");
        assert.equal((await entry(it.ref))?.refunded, 0);
      });
    }

    if (does("partialRefund"))
      it("gives back parts, each once however often it is asked", async () => {
        const it = await paid();
        const { refunds } = await refund(it.paymentId, part);
        const first = await floor.payment(it.id, (one) => one.refunded.amount === part);
        const receipt = first.receipt;
        for (let n = 0; n < 2; n++)
          await floor.publish("provider.refund", it.paymentId, {
            provider: name,
            providerRef: it.ref,
            receipt,
            refundId: refunds[0]?.id ?? "",
            amount: { amount: part, currency: price.currency },
            reason: "back",
          });
        await refund(it.paymentId, part);
        const payment = await floor.payment(it.id, (one) => one.refunded.amount === 2 * part);
        assert.equal(payment.status, "partially_refunded");
        assert.equal((await entry(it.ref))?.refunded, 2 * part);
      });

    if (does("refundAtProvider"))
      it("hears of money that was given back at the provider", async () => {
        const it = await paid();
        const part = Math.floor(price.amount / 2 / 100) * 100 || 1;
        await floor.emulator.refundAtProvider(it.ref, part);
        const payment = await floor.payment(it.id, (one) => one.refunded.amount === part);
        assert.equal(payment.refunds[0]?.origin, "provider");
        assert.equal(
          await refund(it.paymentId, price.amount - part + 1).catch(errorCode),
          "REFUND_TOO_LARGE",
        );
      });

    if (does("dispute"))
      it("shows staff a dispute, and leaves the order as it is", async () => {
        const it = await paid();
        await floor.emulator.dispute(it.ref);
        await eventually("staff hear of it", async () =>
          (await floor.anomalies(it.paymentId)).includes("disputed"),
        );
        disputed.set(price.currency, (disputed.get(price.currency) ?? 0) + price.amount);
        assert.equal((await floor.payment(it.id)).disputed, true);
        assert.equal((await floor.call("orders.get", { id: it.id })).status, "paid");
      });

    if (does("dispute") && does("partialRefund"))
      it("loses by a dispute what was not given back before", async () => {
        const it = await paid();
        await refund(it.paymentId, part);
        await floor.payment(it.id, (one) => one.refunded.amount === part);
        await floor.emulator.dispute(it.ref);
        await eventually("staff hear of it", async () =>
          (await floor.anomalies(it.paymentId)).includes("disputed"),
        );
        disputed.set(price.currency, (disputed.get(price.currency) ?? 0) + price.amount - part);
        assert.deepEqual((await floor.payment(it.id)).refunded.amount, part);
      });

    it("books what the provider's books say, to the last unit", async () => {
      await floor.emulator.idle();
      const known = await floor.shop.node.runtime
        .database("payments")
        .collection<{ state: { providerRef?: string | null } }>("payments")
        .find({ "state.orderId": { $exists: true } })
        .toArray();
      const refs = new Set(known.map((it) => it.state.providerRef));
      const expected = new Map<string, number>();
      for (const { providerRef, currency, captured, refunded } of await floor.books())
        if (refs.has(providerRef))
          expected.set(currency, (expected.get(currency) ?? 0) + captured - refunded);
      for (const [currency, amount] of disputed)
        expected.set(currency, (expected.get(currency) ?? 0) - amount);
      await eventually("the ledger agrees", async () => {
        const { items, balanced } = await floor.call("payments.balances", {});
        assert.ok(balanced);
        for (const [currency, amount] of expected) {
          const account = items.find((it) => it.account === `provider:${name}` && it.currency === currency);
          assert.equal(account?.amount ?? 0, amount, currency);
        }
        return true;
      });
    });

    it("has logged none of its secrets, and no card", () => {
      const text = floor.log.join("");
      assert.ok(
        text.includes('"level":"debug"') || text.includes('"level":"silly"'),
        "it was logged in detail",
      );
      const secrets = Object.fromEntries(
        Object.entries({ ...floor.emulator.environment, ...traits.secrets }).filter(
          ([variable]) => !PUBLIC_VARIABLE.test(variable),
        ),
      );
      assert.ok(Object.keys(secrets).length > 0, "there are some");
      assert.deepEqual(secretsIn(text, secrets), []);
      assert.deepEqual(cardNumbersIn(text), []);
    });
  });
}

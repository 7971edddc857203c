/**
 * The required behaviour of every payment provider in the shop: the whole shop over HTTP against the provider's
 * emulator. A provider's spec calls it with the provider's traits. What a provider can't do is tested to be refused,
 * or left out where there is nothing to refuse.
 */
import assert from "node:assert/strict";
import { errorCode } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import type { Money } from "../../../broker/contract/schemas.ts";
import { createProviders } from "../../../services/payments/providers/create-providers.ts";
import { type Knobs, noFaults } from "../../../services/payments/providers/emulator.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { cardNumbersIn, secretsIn } from "../secrets-in.ts";
import { noCalls } from "./provider-fixture.ts";
import { openProviderShop, type ProviderShop, staff } from "./provider-shop.ts";
import type { Capability, ProviderTraits } from "./provider-traits.ts";

/** Variables of an emulator that may stand in a log. */
const PUBLIC_VARIABLE = /(_API_BASE|_URL|_HOST|_CAPTURE|_INTENT|_SHORTCODE|_MODE|_TYPE|_ENV|_CURRENCY)$/;

export function providerConformance(traits: ProviderTraits): void {
  const { takes, refuses, webhooks, can, limits = [] } = traits;
  const { name } = traits.provider;
  const [price] = takes;
  const does = (it: Capability) => can.includes(it);

  describe(`the shop with ${name}`, function () {
    this.timeout(60_000);
    let fixture: ProviderShop;
    const disputed = new Map<string, number>();

    before(async () => {
      fixture = await openProviderShop(traits);
    });
    after(() => fixture?.close());
    beforeEach(async () => {
      await fixture.emulator.idle();
      calmed();
      fixture.relay.held = null;
    });

    const calmed = () => {
      const { webhooks, autopay } = noFaults();
      Object.assign(fixture.emulator.knobs.webhooks, webhooks);
      fixture.emulator.knobs.api.length = 0;
      fixture.emulator.knobs.autopay = autopay;
    };
    const webhookFaults = (faults: Partial<Knobs["webhooks"]>) =>
      Object.assign(fixture.emulator.knobs.webhooks, faults);
    const is = (status: string) => (it: { status: string }) => it.status === status;

    /** An order that waits for its customer, and how its provider calls it. */
    async function open(total: Money = price) {
      const { order, meta } = await fixture.order(total);
      const payment = await fixture.payment(order.id, is("pending"));
      return { id: order.id, meta, paymentId: payment.id, ref: await fixture.refOf(payment.id) };
    }
    async function paid(total: Money = price) {
      const it = await open(total);
      await fixture.emulator.pay(it.ref, "succeed");
      await fixture.reaches(it.id, "paid");
      return it;
    }

    const entry = async (ref: string) => (await fixture.records()).find((it) => it.providerRef === ref);
    const captured = async (ref: string, total: Money) => {
      const it = await entry(ref);
      assert.deepEqual([it?.captured, it?.currency], [total.amount, total.currency]);
    };
    const part = Math.floor(price.amount / 4 / 100) * 100 || 1;
    const refund = (paymentId: string, amount?: number) =>
      fixture.call(
        "payments.refund",
        { id: paymentId, reason: "back", ...(amount === undefined ? {} : { amount }) },
        { ...staff, idempotencyKey: newId() },
      );

    for (const total of takes)
      it(`takes ${total.amount} ${total.currency}, exactly, and finds it by its receipt`, async () => {
        const it = await paid(total);
        await captured(it.ref, total);
        const payment = await fixture.payment(it.id, is("captured"));
        assert.deepEqual([payment.captured, payment.amount], [total, total]);
        assert.ok(payment.receipt, "it has a receipt");
        const found = await fixture.call("payments.list", { receipt: payment.receipt });
        assert.deepEqual(
          found.items.map((one) => [one.id, one.customerId]),
          [[it.paymentId, it.meta.user?.id]],
        );
        assert.deepEqual(await fixture.anomalies(it.paymentId), []);
      });

    if (refuses)
      it(`does not take ${refuses.currency}`, async () => {
        const { order } = await fixture.order(refuses);
        const payment = await fixture.payment(order.id, is("failed"));
        assert.ok(payment.failure);
        assert.equal((await fixture.call("orders.get", { id: order.id })).status, "awaiting_payment");
      });

    it("opens one payment however often it is asked to", async () => {
      const it = await open();
      const { expiresAt, number } = await fixture.call("orders.get", { id: it.id });
      const before = (await fixture.records()).length;
      for (let n = 0; n < 2; n++)
        await fixture.publish("provider.open", it.paymentId, {
          orderId: it.id,
          orderNumber: number,
          customerId: it.meta.user?.id ?? "",
          amount: price,
          payment: { provider: name, ...(traits.payment ? { options: traits.payment } : {}) },
          expiresAt: expiresAt ?? "",
        });
      if (does("createOnce")) assert.equal((await fixture.records()).length, before);
      await fixture.emulator.pay(it.ref, "succeed");
      await fixture.reaches(it.id, "paid");
      const mine = (await fixture.records()).filter(
        (one) => one.captured > 0 && one.paymentId === it.paymentId,
      );
      assert.ok(mine.length <= 1, "it is paid once");
    });

    if (limits.includes("silentDecline"))
      it("waits while the customer is declined and tries again there", async () => {
        const it = await open();
        await fixture.emulator.pay(it.ref, "decline");
        await fixture.emulator.pay(it.ref, "succeed");
        await fixture.reaches(it.id, "paid");
        assert.deepEqual(await fixture.anomalies(it.paymentId), []);
      });
    else
      it("passes on that the customer declined, and takes another attempt", async () => {
        const it = await open();
        await fixture.emulator.pay(it.ref, "decline");
        await fixture.payment(it.id, (one) => ["failed", "cancelled"].includes(one.status));
        await fixture.call(
          "orders.pay",
          { id: it.id, provider: name, ...(traits.payment ? { options: traits.payment } : {}) },
          { ...it.meta, idempotencyKey: newId(), preferWait: 10 },
        );
        const second = await fixture.payment(it.id, is("pending"));
        assert.notEqual(second.id, it.paymentId);
        await fixture.emulator.pay(await fixture.refOf(second.id), "succeed");
        await fixture.reaches(it.id, "paid");
      });

    if (does("retryAfterDecline"))
      it("counts a capture after a failure at the provider", async () => {
        const it = await open();
        await fixture.emulator.pay(it.ref, "decline");
        await fixture.payment(it.id, is("failed"));
        await fixture.emulator.pay(it.ref, "succeed");
        await fixture.reaches(it.id, "paid");
      });

    if (does("process"))
      describe("while the bank is slow", () => {
        /** More than any prompt asks, and less than an order may take. */
        const A_WHILE_MS = 150_000;
        const TIME_TO_PAY_MS = 31 * 60_000;

        /** An order whose money is on its way. */
        async function slow() {
          const it = await open();
          await fixture.emulator.pay(it.ref, "process");
          fixture.advance(A_WHILE_MS);
          await fixture.payment(it.id, is("processing"));
          await eventually("the order knows", async () => {
            const { payment, expiresAt } = await fixture.call("orders.get", { id: it.id });
            return payment?.status === "processing" && payment.nextAction === null && expiresAt === null;
          });
          return it;
        }
        /** The time to pay is over. Another order has expired by now, so this one would have, too. */
        async function timeIsOver() {
          const other = await open();
          fixture.advance(TIME_TO_PAY_MS);
          await fixture.reaches(other.id, "expired");
        }

        it("the order waits past its time to pay, and is paid when the money comes", async () => {
          const it = await slow();
          await timeIsOver();
          assert.equal((await fixture.call("orders.get", { id: it.id })).status, "awaiting_payment");
          assert.equal((await fixture.payment(it.id)).status, "processing");
          await fixture.emulator.pay(it.ref, "succeed");
          await fixture.reaches(it.id, "paid");
          await captured(it.ref, price);
          assert.deepEqual(await fixture.anomalies(it.paymentId), []);
        });

        it("no other attempt is made, and the order is over when the money does not come", async () => {
          const it = await slow();
          const again = fixture.call(
            "orders.pay",
            { id: it.id, provider: name, ...(traits.payment ? { options: traits.payment } : {}) },
            { ...it.meta, idempotencyKey: newId() },
          );
          await assert.rejects(again, (error) => errorCode(error) === "ORDER_NOT_PAYABLE");
          await timeIsOver();
          await fixture.emulator.pay(it.ref, "decline");
          fixture.advance(A_WHILE_MS);
          await fixture.reaches(it.id, "expired");
          assert.equal((await entry(it.ref))?.captured, 0);
        });

        it("the order can be cancelled, and what is paid all the same goes back", async () => {
          const it = await slow();
          await fixture.call("orders.cancel", { id: it.id }, it.meta);
          await fixture.reaches(it.id, "cancelled");
          await fixture.payment(it.id, (one) => one.status === "cancelled");
          // Some can still be called off there.
          await fixture.emulator
            .pay(it.ref, "succeed")
            .catch((error: Error) => assert.match(error.message, /409/));
          await eventually(
            "nothing is kept",
            async () => {
              const now = await entry(it.ref);
              const { status } = await fixture.payment(it.id);
              return now?.captured === now?.refunded && ["cancelled", "refunded"].includes(status);
            },
            15_000,
          );
        });
      });

    it("passes on that time ran out there", async () => {
      const it = await open();
      await fixture.emulator.pay(it.ref, "expire");
      await fixture.payment(it.id, (one) => ["expired", "cancelled", "failed"].includes(one.status));
      assert.equal((await fixture.call("orders.get", { id: it.id })).status, "awaiting_payment");
    });

    describe("its webhooks", () => {
      it("count once when they come again and again, at once and late", async () => {
        const it = await open();
        webhookFaults({ duplicate: 1 });
        const from = fixture.relay.received.length;
        await fixture.emulator.pay(it.ref, "succeed");
        await fixture.reaches(it.id, "paid");
        await eventually("it came twice", () => fixture.relay.received.length >= from + 2);
        await fixture.emulator.idle();
        const all = fixture.relay.received.slice(from);
        const statuses = await Promise.all([...all, ...all].map((one) => fixture.relay.deliver(one)));
        assert.ok(
          statuses.every((status) => status >= 200 && status < 300),
          statuses.join(", "),
        );
        const payment = await fixture.payment(it.id, is("captured"));
        assert.deepEqual(payment.captured, price);
        assert.deepEqual(await fixture.anomalies(it.paymentId), []);
        await captured(it.ref, price);
      });

      it("may come in any order", async () => {
        webhookFaults({ reorder: 1 });
        const some = await Promise.all([open(), open(), open()]);
        for (const it of some) await fixture.emulator.pay(it.ref, "succeed");
        for (const it of some) await fixture.reaches(it.id, "paid");
        for (const it of some) assert.deepEqual(await fixture.anomalies(it.paymentId), []);
      });

      it("change nothing when they were changed on their way", async () => {
        const it = await open();
        webhookFaults({ tamper: 1 });
        const from = fixture.relay.answered.length;
        await fixture.emulator.pay(it.ref, "succeed");
        if (webhooks.proof === "signature")
          await eventually("it is rejected", () =>
            fixture.relay.answered.slice(from).some((status) => status === 400 || status === 401),
          );
        // The truth comes out when the provider is asked.
        await fixture.reaches(it.id, "paid");
        if (limits.includes("unsignedAmount"))
          await eventually("staff hear of it", async () =>
            (await fixture.anomalies(it.paymentId)).includes("amount_mismatch"),
          );
        const told = limits.includes("unsignedAmount") ? ["amount_mismatch"] : [];
        assert.deepEqual(await fixture.anomalies(it.paymentId), told);
        await captured(it.ref, price);
      });

      it("are rejected with a changed or missing proof, whatever they say", async () => {
        const it = await open();
        fixture.relay.held = [];
        await fixture.emulator.pay(it.ref, "succeed");
        const held = await eventually("a webhook is held", () => fixture.relay.held?.[0]);
        const isRejected = (status: number, what: string) =>
          assert.ok(status === 400 || status === 401, `${what}: ${status}`);
        if (webhooks.proof === "signature") {
          const flipped = Buffer.from(held.rawBody);
          flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] ?? 0) ^ 1;
          isRejected(await fixture.relay.deliver({ ...held, rawBody: flipped }), "with a flipped bit");
        }
        if (webhooks.proof === "signature" || webhooks.proof === "token")
          isRejected(
            await fixture.relay.deliver({ ...held, headers: { "content-type": "application/json" } }),
            "without its headers",
          );
        if (webhooks.proof !== "none")
          isRejected(
            await fixture.relay.deliver({ ...held, rawBody: Buffer.from("{}") }),
            "without its body",
          );
        assert.equal((await fixture.payment(it.id)).id, it.paymentId);
        await fixture.reaches(it.id, "paid");
      });

      if (webhooks.stale)
        it("are rejected when they are old", async () => {
          const it = await open();
          fixture.relay.held = [];
          await fixture.emulator.pay(it.ref, "succeed");
          const held = await eventually("a webhook is held", () => fixture.relay.held?.[0]);
          fixture.relay.held = null;
          fixture.advance(3_600_000);
          const status = await fixture.relay.deliver(held);
          assert.ok(status === 400 || status === 401, `${status}`);
        });

      it("about payments that nobody knows are taken and kept for staff", async () => {
        const { config, clock, database } = fixture.shop.node.runtime;
        const context = {
          config,
          clock,
          log: fixture.shop.node.runtime.logger("test"),
          database: database("payments"),
          call: noCalls,
          publicUrl: () => fixture.relay.url,
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
            email: null,
            amount: price,
            expiresAt: new Date(clock.now() + 600_000),
            options: traits.payment ?? {},
            returnUrl: null,
          },
          new AbortController().signal,
        );
        const from = fixture.relay.answered.length;
        await fixture.emulator.pay(opened.providerRef, "succeed");
        await eventually("the shop has answered", () => fixture.relay.answered.length > from);
        assert.ok(fixture.relay.answered.slice(from).every((status) => status < 300));
        // An agreed payment has cost nothing yet, and nobody captures it here.
        if (!does("takeAtOnce")) {
          assert.equal((await entry(opened.providerRef))?.captured, 0);
          return;
        }
        fixture.advance(60_000);
        await eventually(
          "staff know",
          async () => {
            const { items } = await fixture.call("payments.anomalies", { limit: 100 });
            return items.some((it) => it.kind === "unknown_payment" && it.providerRef === opened.providerRef);
          },
          20_000,
        );
      });

      it("may get lost: the provider is asked", async () => {
        const it = await open();
        webhookFaults({ drop: 1 });
        await fixture.emulator.pay(it.ref, "succeed");
        await fixture.reaches(it.id, "paid");
        await captured(it.ref, price);
      });
    });

    if (does("tooMuch"))
      it("is not paid with another amount, and staff hear of it", async () => {
        const it = await open();
        await fixture.emulator.pay(it.ref, "tooMuch");
        await eventually("staff hear of it", async () =>
          (await fixture.anomalies(it.paymentId)).includes("amount_mismatch"),
        );
        assert.equal((await fixture.call("orders.get", { id: it.id })).status, "awaiting_payment");
      });

    if (does("feeOnTop"))
      it("is paid when the provider has added its fee, which is neither revenue nor refunded", async () => {
        const it = await open();
        await fixture.emulator.pay(it.ref, "withFee");
        await fixture.reaches(it.id, "paid");
        const { amount, captured, paid, fee } = await fixture.payment(it.id, is("captured"));
        assert.deepEqual([amount, captured], [price, price]);
        assert.ok(fee.amount > 0);
        assert.deepEqual(paid, { ...price, amount: price.amount + fee.amount });
        await assert.rejects(refund(it.paymentId, price.amount + 1), { type: "REFUND_TOO_LARGE" });
        await refund(it.paymentId);
        const { refunded } = await fixture.payment(it.id, is("refunded"));
        assert.deepEqual(refunded, price);
        const balances = await eventually("all is booked", async () => {
          const { items } = await fixture.call("payments.ledger", { paymentId: it.paymentId });
          assert.equal(items.length, 2);
          const of = new Map<string, number>();
          for (const { account, amount } of items.flatMap((one) => one.entries))
            of.set(account, (of.get(account) ?? 0) + amount);
          return of;
        });
        assert.deepEqual(Object.fromEntries(balances), {
          [`provider:${name}`]: 0,
          sales: -price.amount,
          refunds: price.amount,
          surcharges: -fee.amount,
          [`fees:${name}`]: fee.amount,
        });
        assert.deepEqual(await fixture.anomalies(it.paymentId), []);
      });
    else
      it("has no fee that its customers pay on top", async () => {
        const it = await open();
        await assert.rejects(async () => fixture.emulator.pay(it.ref, "withFee"));
        assert.equal((await fixture.call("orders.get", { id: it.id })).status, "awaiting_payment");
      });

    if (does("apiFaults"))
      for (const fault of [503, "unreachable", "reset", "timeout"] as const)
        it(`opens one payment although its API fails: ${fault}`, async () => {
          fixture.emulator.knobs.api.push({ times: fault === "timeout" ? 1 : 2, fault });
          const it = await open();
          await fixture.emulator.pay(it.ref, "succeed");
          await fixture.reaches(it.id, "paid");
          const mine = (await fixture.records()).filter((one) => one.paymentId === it.paymentId);
          if (does("createOnce")) assert.ok(mine.length <= 1, `${mine.length} were opened`);
          assert.deepEqual(await fixture.anomalies(it.paymentId), []);
        });

    if (does("misconfigure"))
      it("tells staff of wrong credentials, the customer nothing of them, and goes on when they are mended", async () => {
        fixture.emulator.knobs.api.push({ times: 1_000, fault: 401 });
        const { order } = await fixture.order(price, {}, 0);
        const failed = await eventually("the opening has failed", async () => {
          const { items } = await fixture.call("payments.openings", { limit: 100 });
          return items.find((one) => one.orderId === order.id);
        });
        assert.equal(failed.trouble, "misconfigured");
        const seen = await fixture.payment(order.id);
        assert.equal(seen.status, "requested");
        assert.ok(!seen.failure?.includes(failed.reason), "the reason is staff's");
        assert.deepEqual(await fixture.anomalies(failed.paymentId), ["provider_misconfigured"]);
        fixture.emulator.knobs.api.length = 0;
        await fixture.payment(order.id, is("pending"), 30_000);
      });

    it("gives back by itself what is paid for a cancelled order", async () => {
      const it = await open();
      webhookFaults({ drop: 1 });
      await fixture.emulator.pay(it.ref, "succeed");
      // It was faster than our cancel, or the reconciler was. Then there is nothing to show.
      const cancelled = await fixture
        .call("orders.cancel", { id: it.id }, it.meta)
        .then(() => true)
        .catch((error: unknown) => {
          assert.equal(errorCode(error), "ORDER_NOT_CANCELLABLE");
          return false;
        });
      assert.ok(cancelled, "the cancelling came first");
      if (!does("takeAtOnce")) {
        await fixture.payment(it.id, is("cancelled"));
        await fixture.emulator.idle();
        assert.equal((await entry(it.ref))?.captured, 0);
        return;
      }
      await eventually(
        "staff know, or it is given back",
        async () => (await fixture.anomalies(it.paymentId)).includes("capture_after_end"),
        15_000,
      );
      if (!does("refund")) return;
      if (limits.includes("refundNeedsWebhook")) {
        await eventually("staff know that it is theirs to give back", async () =>
          (await fixture.anomalies(it.paymentId)).includes("refund_failed"),
        );
        assert.equal((await entry(it.ref))?.refunded, 0);
        return;
      }
      await fixture.payment(it.id, is("refunded"));
      assert.equal((await entry(it.ref))?.refunded, price.amount);
      assert.equal((await fixture.call("orders.get", { id: it.id })).status, "cancelled");
    });

    it("closes what a cancelled order does not need", async () => {
      const it = await open();
      await fixture.call("orders.cancel", { id: it.id }, it.meta);
      await fixture.payment(it.id, is("cancelled"));
      assert.equal((await entry(it.ref))?.captured ?? 0, 0);
    });

    if (does("refund")) {
      it("gives all of it back", async () => {
        const it = await paid();
        await refund(it.paymentId);
        await fixture.payment(it.id, is("refunded"));
        await fixture.reaches(it.id, "refunded");
        assert.equal((await entry(it.ref))?.refunded, price.amount);
      });

      if (traits.refundRoute)
        for (const fault of ["reset", "timeout"] as const)
          it(`gives back once although the answer is lost: ${fault}`, async () => {
            const it = await paid();
            fixture.emulator.knobs.api.push({ times: 1, fault, route: traits.refundRoute });
            await refund(it.paymentId, part);
            await eventually("the answer is lost", () => fixture.emulator.knobs.api.length === 0);
            const payment = await fixture.payment(it.id, (one) => one.refunded.amount === part, 30_000);
            assert.deepEqual(
              payment.refunds.map((one) => one.status),
              ["succeeded"],
            );
            assert.equal((await entry(it.ref))?.refunded, part);
            assert.deepEqual(await fixture.anomalies(it.paymentId), []);
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
        const first = await fixture.payment(it.id, (one) => one.refunded.amount === part);
        const receipt = first.receipt;
        for (let n = 0; n < 2; n++)
          await fixture.publish("provider.refund", it.paymentId, {
            provider: name,
            providerRef: it.ref,
            receipt,
            refundId: refunds[0]?.id ?? "",
            amount: { amount: part, currency: price.currency },
            reason: "back",
          });
        await refund(it.paymentId, part);
        const payment = await fixture.payment(it.id, (one) => one.refunded.amount === 2 * part);
        assert.equal(payment.status, "partially_refunded");
        assert.equal((await entry(it.ref))?.refunded, 2 * part);
      });

    if (does("refundAtProvider"))
      it("hears of money that was given back at the provider", async () => {
        const it = await paid();
        const part = Math.floor(price.amount / 2 / 100) * 100 || 1;
        await fixture.emulator.refundAtProvider(it.ref, part);
        const payment = await fixture.payment(it.id, (one) => one.refunded.amount === part);
        assert.equal(payment.refunds[0]?.origin, "provider");
        assert.equal(
          await refund(it.paymentId, price.amount - part + 1).catch(errorCode),
          "REFUND_TOO_LARGE",
        );
      });

    if (does("dispute"))
      it("shows staff a dispute, and leaves the order as it is", async () => {
        const it = await paid();
        await fixture.emulator.dispute(it.ref);
        await eventually("staff hear of it", async () =>
          (await fixture.anomalies(it.paymentId)).includes("disputed"),
        );
        disputed.set(price.currency, (disputed.get(price.currency) ?? 0) + price.amount);
        assert.equal((await fixture.payment(it.id)).disputed, true);
        assert.equal((await fixture.call("orders.get", { id: it.id })).status, "paid");
      });

    if (does("dispute") && does("partialRefund"))
      it("loses by a dispute what was not given back before", async () => {
        const it = await paid();
        await refund(it.paymentId, part);
        await fixture.payment(it.id, (one) => one.refunded.amount === part);
        await fixture.emulator.dispute(it.ref);
        await eventually("staff hear of it", async () =>
          (await fixture.anomalies(it.paymentId)).includes("disputed"),
        );
        disputed.set(price.currency, (disputed.get(price.currency) ?? 0) + price.amount - part);
        assert.deepEqual((await fixture.payment(it.id)).refunded.amount, part);
      });

    it("matches the provider's records, to the last unit", async () => {
      await fixture.emulator.idle();
      const known = await fixture.shop.node.runtime
        .database("payments")
        .collection<{ state: { providerRef?: string | null } }>("payments")
        .find({ "state.orderId": { $exists: true } })
        .toArray();
      const refs = new Set(known.map((it) => it.state.providerRef));
      const expected = new Map<string, number>();
      for (const { providerRef, currency, captured, refunded } of await fixture.records())
        if (refs.has(providerRef))
          expected.set(currency, (expected.get(currency) ?? 0) + captured - refunded);
      for (const [currency, amount] of disputed)
        expected.set(currency, (expected.get(currency) ?? 0) - amount);
      await eventually("the ledger agrees", async () => {
        const { items, balanced } = await fixture.call("payments.balances", {});
        assert.ok(balanced);
        for (const [currency, amount] of expected) {
          const account = items.find((it) => it.account === `provider:${name}` && it.currency === currency);
          assert.equal(account?.amount ?? 0, amount, currency);
        }
        return true;
      });
    });

    it("has logged none of its secrets, and no card", () => {
      const text = fixture.log.join("");
      assert.ok(
        text.includes('"level":"debug"') || text.includes('"level":"silly"'),
        "it was logged in detail",
      );
      const secrets = Object.fromEntries(
        Object.entries({ ...fixture.emulator.environment, ...traits.secrets }).filter(
          ([variable]) => !PUBLIC_VARIABLE.test(variable),
        ),
      );
      assert.ok(Object.keys(secrets).length > 0, "there are some");
      assert.deepEqual(secretsIn(text, secrets), []);
      assert.deepEqual(cardNumbersIn(text), []);
    });
  });
}

/** The pure parts of Midtrans' adapter: signatures, statuses, times. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { newId } from "../../../../../broker/contract/ids.ts";
import { WebhookRejected } from "../../provider.ts";
import { signature, verifyNotification } from "../notification.ts";
import { reportOf, statusOf } from "../statuses.ts";
import { instant as jakarta, midtransTime, transaction } from "../transaction.ts";
import "../../../payments.contract.ts";

const atAnyTime = fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2090, 0, 1) });

describe("Midtrans' pure parts", () => {
  const KEY = "SB-Mid-server-unit-test";
  const settled = {
    order_id: newId(),
    transaction_id: "447e846a-403e-47db-a5da-d7f3f06375d6",
    transaction_status: "settlement",
    status_code: "200",
    fraud_status: "accept",
    payment_type: "gopay",
    gross_amount: "10000.00",
    currency: "IDR",
    transaction_time: "2026-01-02 03:04:05",
    settlement_time: "2026-01-02 03:04:06",
  };
  const notification = (changes: Record<string, unknown> = {}): Buffer => {
    const body = { ...settled, ...changes };
    return Buffer.from(JSON.stringify({ ...body, signature_key: signature(body, KEY), ...changes }));
  };

  it("sign the strings as they are in the body", () => {
    // Made by: printf %s 'ORDER-101-120010000.00SB-Mid-server-unit-test' | sha512sum
    assert.equal(
      signature({ order_id: "ORDER-101-1", status_code: "200", gross_amount: "10000.00" }, KEY),
      "ba84125f8c6ee69890bc300d41e60940df75d01ba57f9f4b4717dd190052698ceeb9afb4df67450851e24b8639c0b9772d9188e867b10b9fa67aa66b96ed9efc",
    );
  });

  it("read a notification", () => {
    const event = verifyNotification(KEY, notification());
    assert.equal(event.providerRef, settled.order_id);
    assert.equal(event.paymentId, settled.order_id);
    assert.equal(event.status, "captured");
    assert.deepEqual(event.amount, { amount: 1_000_000, currency: "IDR" });
    assert.equal(event.receipt, settled.transaction_id);
    assert.equal(event.occurredAt.toISOString(), "2026-01-01T20:04:06.000Z");
    assert.ok(event.eventId.length <= 180);
    // A page that replaced a lost one.
    assert.equal(
      verifyNotification(KEY, notification({ order_id: `${settled.order_id}-2` })).paymentId,
      settled.order_id,
    );
  });

  describe("of a fee that Midtrans has added", () => {
    const GROSS = { gross_amount: "10071.00" };
    const info = (of: object) => ({ extra_info: { gross_amount_info: of } });
    const told = (changes: object) => {
      const { amount, asked, fee } = verifyNotification(KEY, notification({ ...GROSS, ...changes }));
      return [amount?.amount, asked?.amount, fee?.amount];
    };

    it("read it where Midtrans writes it, as text or numbers", () => {
      const text = { original_amount: "10000", gross_amount: "10071", customer_imposed_payment_fee: "71" };
      const numbers = { original_amount: 10_000, gross_amount: 10_071, customer_imposed_payment_fee: 71 };
      for (const it of [text, numbers, { original_amount: "10000.00" }]) {
        assert.deepEqual(told({ metadata: info(it) }), [1_007_100, 1_000_000, 7_100]);
        assert.deepEqual(told(info(it)), [1_007_100, 1_000_000, 7_100]);
      }
    });

    it("believe none that is missing, negative, no number, or contradicts the amounts", () => {
      for (const changes of [
        {},
        info({}),
        info({ original_amount: "-10000" }),
        info({ original_amount: "1e4" }),
        info({ original_amount: "10142", customer_imposed_payment_fee: "-71" }),
        { metadata: null },
        { metadata: { extra_info: [] } },
        { metadata: { any: "thing" } },
      ])
        assert.deepEqual(told(changes), [1_007_100, undefined, undefined], JSON.stringify(changes));
      assert.deepEqual(told(info({ original_amount: "10000", customer_imposed_payment_fee: "70" })), [
        1_007_100,
        1_000_000,
        undefined,
      ]);
      assert.deepEqual(told(info({ original_amount: "10142" })), [1_007_100, 1_014_200, undefined]);
    });
  });

  it("tell events apart that differ, and no others", () => {
    const id = (changes: Record<string, unknown> = {}) =>
      verifyNotification(KEY, notification(changes)).eventId;
    const partial = (...keys: string[]) => ({
      transaction_status: "partial_refund",
      refunds: keys.map((refund_key) => ({ refund_key, refund_amount: "100.00" })),
    });
    assert.equal(id(), id({ status_message: "again" }));
    const all = [id(), id({ transaction_status: "capture" }), id(partial("a")), id(partial("a", "b"))];
    assert.equal(new Set(all).size, all.length);
  });

  it("reject what is not signed, changed, or makes no sense", () => {
    const good = notification();
    for (const bad of [
      Buffer.from(""),
      Buffer.from("[]"),
      Buffer.from("{}"),
      Buffer.from(JSON.stringify(settled)),
      notification({ signature_key: signature(settled, `${KEY}x`) }),
      notification({ signature_key: "" }),
      Buffer.from(good.toString().replace("10000.00", "20000.00")),
      Buffer.from(good.toString().replace('"200"', '"201"')),
      notification({ transaction_status: "unheard of" }),
      notification({ transaction_time: "yesterday" }),
      notification({ gross_amount: "1.001" }),
    ])
      assert.throws(() => verifyNotification(KEY, bad), WebhookRejected, bad.toString());
  });

  it("take no changed byte of what is signed", () => {
    const text = notification().toString();
    const signed = ["order_id", "status_code", "gross_amount", "signature_key"].flatMap((name) => {
      const value = String(JSON.parse(text)[name]);
      const from = text.indexOf(`"${name}":"`) + name.length + 4;
      return Array.from(value, (_, i) => from + i);
    });
    fc.assert(
      fc.property(fc.constantFrom(...signed), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = Buffer.from(text);
        bytes[at] = (bytes[at] ?? 0) ^ flip;
        assert.throws(() => verifyNotification(KEY, bytes), WebhookRejected);
      }),
    );
  });

  it("map every status", () => {
    const of = (transaction_status: string, more = {}) =>
      statusOf({ transaction_status, payment_type: "credit_card", ...more });
    assert.equal(of("pending"), "pending");
    assert.equal(of("authorize"), "authorized");
    assert.equal(of("capture", { fraud_status: "accept" }), "captured");
    assert.equal(of("capture"), "captured");
    assert.equal(of("capture", { fraud_status: "challenge" }), "processing");
    assert.equal(of("capture", { fraud_status: "deny" }), "failed");
    assert.equal(of("capture", { fraud_status: "new" }), "failed");
    assert.equal(of("settlement"), "captured");
    assert.equal(of("settlement", { fraud_status: "challenge" }), "processing");
    assert.equal(of("deny"), "failed");
    assert.equal(of("deny", { settlement_time: settled.settlement_time }), "disputed");
    assert.equal(of("deny", { payment_type: "echannel" }), "disputed");
    assert.equal(of("failure"), "failed");
    assert.equal(of("cancel"), "cancelled");
    assert.equal(of("expire"), "expired");
    assert.equal(of("refund"), "refunded");
    assert.equal(of("partial_refund"), "partially_refunded");
    assert.equal(of("chargeback"), "disputed");
    assert.equal(of("partial_chargeback"), "disputed");
    assert.throws(() => of("toString"), { type: "PROVIDER_FAILED" });
    assert.throws(() => of("unheard of"), { type: "PROVIDER_FAILED" });
  });

  it("know a transaction only when a method was picked", () => {
    assert.deepEqual(reportOf(null), {
      status: "pending",
      amount: null,
      receipt: null,
      reason: null,
      refunds: [],
    });
    const denied = reportOf(
      transaction.parse({
        ...settled,
        transaction_status: "deny",
        settlement_time: undefined,
        status_message: "no funds",
      }),
    );
    assert.deepEqual([denied.status, denied.amount, denied.reason], ["failed", null, "no funds"]);
  });

  it("tell our refunds from the dashboard's", () => {
    const refundId = newId();
    const { refunds } = reportOf(
      transaction.parse({
        ...settled,
        transaction_status: "partial_refund",
        refunds: [
          { refund_key: refundId, refund_amount: "5.00", refund_chargeback_id: 7, reason: "broken" },
          { refund_key: "dashboard-1", refund_amount: "6.00" },
        ],
      }),
    );
    assert.deepEqual(
      refunds.map((it) => [it.refundId, it.refundRef, it.amount.amount, it.status]),
      [
        [refundId, "7", 500, "succeeded"],
        [null, "dashboard-1", 600, "succeeded"],
      ],
    );
  });

  it("write times seven hours ahead of UTC, and read them back", () => {
    assert.equal(midtransTime(Date.UTC(2026, 0, 1, 20, 4, 6)), "2026-01-02 03:04:06");
    fc.assert(
      fc.property(atAnyTime, (at) => {
        assert.equal(jakarta(midtransTime(at)).getTime(), Math.floor(at / 1_000) * 1_000);
      }),
    );
  });
});

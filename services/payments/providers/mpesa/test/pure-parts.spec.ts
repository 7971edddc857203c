/** The pure parts of M-Pesa's adapter: phones, results, the addresses that are called back. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { newId } from "../../../../../broker/contract/ids.ts";
import { systemClock } from "../../../../../broker/resilience/clock.ts";
import { checkOptions } from "../../support/options.ts";
import { createAccessToken } from "../access-token.ts";
import { allowedAddresses } from "../allowed-addresses.ts";
import { callbackKey, readCallbackKey } from "../callback-key.ts";
import { mpesaOptions } from "../phone.ts";
import { reportOf as mpesaReport, PROMPT_ENDS_MS } from "../report.ts";
import { meaningOf } from "../results.ts";
import { instant as nairobi, timestamp } from "../time.ts";

const atAnyTime = fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2090, 0, 1) });

describe("M-Pesa's pure parts", () => {
  it("read Kenyan numbers as people write them", () => {
    for (const written of [
      "0712345678",
      "712345678",
      "254712345678",
      "+254712345678",
      "+254 712-345 678",
      "(0712) 345.678",
    ])
      assert.equal(mpesaOptions.parse({ phone: written }).phone, "254712345678", written);
    assert.equal(mpesaOptions.parse({ phone: "0112345678" }).phone, "254112345678");
  });

  const check = (given: Record<string, string>) => checkOptions("mpesa", mpesaOptions, given);

  it("name the field of numbers that they do not take", () => {
    for (const phone of ["", "0812345678", "07123456789", "071234567", "+255712345678", "07a2345678", "$gt"])
      assert.throws(
        () => check({ phone }),
        /^ProviderRefused: options\.phone: must be a Kenyan mobile number/,
        phone,
      );
    assert.throws(
      () => check({}),
      /^ProviderRefused: options\.phone: mpesa needs the number of the phone to ask$/,
    );
    assert.throws(
      () => check({ phone: "0712345678", pin: "1234" }),
      /^ProviderRefused: options\.pin: mpesa takes options\.phone only$/,
    );
  });

  it("only zero is money", () => {
    assert.equal(meaningOf("0").status, "captured");
    assert.deepEqual(
      ["1", "1001", "1019", "1025", "9999", "1032", "1037", "2001", "17", "26", "4999"].map(
        (it) => meaningOf(it).status,
      ),
      [
        "failed",
        "failed",
        "expired",
        "failed",
        "failed",
        "cancelled",
        "expired",
        "failed",
        "failed",
        "failed",
        "pending",
      ],
    );
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.integer().map(String)), (code) => {
        assert.equal(meaningOf(code).status === "captured", code === "0");
      }),
    );
    assert.equal(meaningOf("constructor").status, "failed");
  });

  it("take the receipt of a callback only where the answer says that it is paid, and the callback agrees", () => {
    const callback = { resultCode: "0", resultDesc: "", amount: 5_000, receipt: "R1", at: new Date(0) };
    const push = {
      _id: "p",
      amount: 5_000,
      state: "accepted" as const,
      sentAt: new Date(0),
      checkoutRequestId: "ws",
      callback,
      reversals: [],
    };
    assert.deepEqual(mpesaReport(push, "pending", 0).amount, null);
    assert.equal(mpesaReport(push, { code: "1032", description: "" }, 0).receipt, null);
    const paid = mpesaReport(push, { code: "0", description: "" }, 0);
    assert.deepEqual([paid.status, paid.amount?.amount, paid.receipt], ["captured", 5_000, "R1"]);
    const lying = { ...push, callback: { ...callback, amount: 9_900 } };
    const other = mpesaReport(lying, { code: "0", description: "" }, 0);
    assert.deepEqual([other.status, other.amount?.amount, other.receipt], ["captured", 5_000, null]);
    const { callback: _callback, ...silent } = push;
    const quiet = mpesaReport(silent, { code: "0", description: "" }, 0);
    assert.deepEqual([quiet.status, quiet.amount?.amount, quiet.receipt], ["captured", 5_000, null]);
  });

  it("take an unknown result for a prompt that still asks, and for money on its way once no prompt can ask", () => {
    const push = { _id: "p", amount: 5_000, state: "accepted" as const, sentAt: new Date(0), reversals: [] };
    for (const told of ["pending", { code: "4999", description: "" }] as const) {
      assert.equal(mpesaReport(push, told, PROMPT_ENDS_MS - 1).status, "pending");
      const late = mpesaReport(push, told, PROMPT_ENDS_MS);
      assert.deepEqual([late.status, late.amount, late.reason], ["processing", null, null]);
    }
    assert.equal(mpesaReport(push, { code: "1037", description: "" }, PROMPT_ENDS_MS).status, "expired");
  });

  it("write times three hours ahead of UTC, and read them back", () => {
    assert.equal(timestamp(Date.UTC(2026, 0, 1, 21, 4, 6)), "20260102000406");
    assert.equal(nairobi("20230101123000")?.toISOString(), "2023-01-01T09:30:00.000Z");
    assert.equal(nairobi("20231399000000"), null);
    fc.assert(
      fc.property(atAnyTime, (at) => {
        assert.equal(nairobi(timestamp(at))?.getTime(), Math.floor(at / 1_000) * 1_000);
      }),
    );
  });

  describe("the addresses that are called back", () => {
    const SECRET = "a callback secret";

    it("say what they are about, to us", () => {
      for (const about of [
        { paymentId: newId(), refundId: null },
        { paymentId: newId(), refundId: newId() },
      ]) {
        const key = callbackKey(SECRET, about);
        assert.match(key, /^[A-Za-z0-9_.-]{1,100}$/);
        assert.deepEqual(readCallbackKey(SECRET, key), about);
        assert.equal(readCallbackKey("another secret", key), null);
      }
    });

    it("fit one payment and one purpose", () => {
      const [a, b] = [newId(), newId()];
      const key = callbackKey(SECRET, { paymentId: a, refundId: null });
      const mac = key.slice(-22);
      assert.equal(readCallbackKey(SECRET, `${b}.${mac}`), null);
      assert.equal(readCallbackKey(SECRET, `${a}.${b}.${mac}`), null);
      for (const other of [null, "", ".", a, `${a}.`, `${key}x`, key.slice(0, -1)])
        assert.equal(readCallbackKey(SECRET, other), null, String(other));
      fc.assert(
        fc.property(fc.nat(key.length - 1), fc.constantFrom(..."abcdef0123456789"), (at, letter) => {
          fc.pre(key[at] !== letter);
          assert.equal(readCallbackKey(SECRET, key.slice(0, at) + letter + key.slice(at + 1)), null);
        }),
      );
    });
  });

  it("allow addresses and networks, and nobody unknown", () => {
    const allowed = allowedAddresses("196.201.214.0/24, 196.201.213.114,2001:db8::/32");
    for (const it of ["196.201.214.200", "196.201.213.114", "::ffff:196.201.214.1", "2001:db8::7"])
      assert.equal(allowed(it), true, it);
    for (const it of [null, "", "196.201.213.115", "10.0.0.1", "::1", "localhost"])
      assert.equal(allowed(it), false, String(it));
    for (const it of ["", "1.2.3", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/8/8", "example.com"])
      assert.throws(() => allowedAddresses(it), /no address or network|empty entry/, it);
  });

  it("ask for one access token, however many wait for it, and again after a failure", async () => {
    const waiting: ((status: number) => void)[] = [];
    const token = createAccessToken(
      {
        request: () =>
          new Promise((resolve) =>
            waiting.push((status) =>
              resolve({ status, json: { access_token: `t${waiting.length}`, expires_in: "3599" } }),
            ),
          ),
      },
      { consumerKey: "key", consumerSecret: "secret" },
      systemClock,
    );
    const five = () => Promise.allSettled(Array.from({ length: 5 }, () => token.get()));

    const failing = five();
    assert.equal(waiting.length, 1);
    waiting[0]?.(503);
    for (const it of await failing) assert.equal(it.status, "rejected");

    const served = five();
    assert.equal(waiting.length, 2);
    waiting[1]?.(200);
    assert.deepEqual(await served, Array(5).fill({ status: "fulfilled", value: "t2" }));
    assert.equal(await token.get(), "t2");
    assert.equal(waiting.length, 2);
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { minorDigits } from "../../../../../broker/contract/values/currency.ts";
import { ProviderRefused } from "../../provider.ts";
import { fromStripe, toStripe } from "../amounts.ts";
import "../../../payments.contract.ts";

const currency = fc.constantFrom(...Intl.supportedValuesOf("currency"));
const amount = fc.integer({ min: 0, max: 1_000_000_000_000 });

describe("Stripe's amounts", () => {
  it("are those of Stripe's documentation", () => {
    const asStripe = (minor: number, code: string) => toStripe({ amount: minor, currency: code });
    assert.deepEqual(asStripe(1_000, "USD"), { amount: 1_000, currency: "usd" });
    assert.deepEqual(asStripe(500, "JPY"), { amount: 500, currency: "jpy" });
    // 5 króna, 5 shillings: without fractions, but written with two digits.
    assert.deepEqual(asStripe(5, "ISK"), { amount: 500, currency: "isk" });
    assert.deepEqual(asStripe(5, "UGX"), { amount: 500, currency: "ugx" });
    // 5 ariary: two digits in ISO 4217, none at Stripe.
    assert.deepEqual(asStripe(500, "MGA"), { amount: 5, currency: "mga" });
    assert.deepEqual(asStripe(5_120, "KWD"), { amount: 5_120, currency: "kwd" });
    assert.deepEqual(asStripe(1_045, "HUF"), { amount: 1_045, currency: "huf" });
    assert.deepEqual(asStripe(80_045, "TWD"), { amount: 80_045, currency: "twd" });
  });

  it("refuse what Stripe can't take exactly", () => {
    for (const [minor, code] of [
      [5_124, "KWD"],
      [550, "MGA"],
      [1_000, "IQD"],
      [1_000, "CLF"],
    ] as const)
      assert.throws(() => toStripe({ amount: minor, currency: code }), ProviderRefused);
    assert.throws(() => fromStripe(150, "isk"), { type: "PROVIDER_FAILED" });
    assert.throws(() => fromStripe(1, "iqd"), { type: "PROVIDER_FAILED" });
  });

  it("come back as they went, in every currency, or are refused", () => {
    fc.assert(
      fc.property(currency, amount, (code, minor) => {
        let there: { amount: number; currency: string };
        try {
          there = toStripe({ amount: minor, currency: code });
        } catch (error) {
          assert.ok(error instanceof ProviderRefused);
          return;
        }
        assert.deepEqual(fromStripe(there.amount, there.currency), { amount: minor, currency: code });
      }),
      { numRuns: 2_000 },
    );
  });

  it("are taken in whole units of every currency whose minor unit Stripe knows", () => {
    for (const code of Intl.supportedValuesOf("currency")) {
      if (["IQD", "LYD", "CLF", "UYW", "UYI"].includes(code)) continue;
      const money = { amount: 7 * 10 ** minorDigits(code), currency: code };
      assert.equal(fromStripe(toStripe(money).amount, code).amount, money.amount);
    }
  });
});

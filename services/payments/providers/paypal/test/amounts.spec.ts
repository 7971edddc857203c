import assert from "node:assert/strict";
import fc from "fast-check";
import { ProviderRefused } from "../../provider.ts";
import { fromPayPal, toPayPal } from "../amounts.ts";
import "../../../payments.contract.ts";

const currency = fc.constantFrom(...Intl.supportedValuesOf("currency"));
const amount = fc.integer({ min: 0, max: 1_000_000_000_000 });

describe("PayPal's amounts", () => {
  it("are decimal strings, without decimals in three currencies", () => {
    const there = (minor: number, code: string) => toPayPal({ amount: minor, currency: code }).value;
    assert.equal(there(1_299, "USD"), "12.99");
    assert.equal(there(5, "EUR"), "0.05");
    assert.equal(there(500, "JPY"), "500");
    assert.equal(there(1_299_00, "HUF"), "1299");
    assert.equal(there(800_00, "TWD"), "800");
    assert.throws(() => there(80_045, "TWD"), ProviderRefused);
    assert.throws(() => there(1_000, "KWD"), ProviderRefused);
  });

  it("are read with whatever zeros PayPal writes, and nothing else", () => {
    const back = (value: string, currency_code = "USD") => fromPayPal({ value, currency_code }).amount;
    assert.deepEqual(
      [back("12.9"), back("12.990"), back("12"), back("500.00", "JPY")],
      [1_290, 1_299, 1_200, 500],
    );
    for (const [value, code] of [
      ["12.999", "USD"],
      ["0.5", "JPY"],
      ["-1.00", "USD"],
      ["1e3", "USD"],
      ["", "USD"],
      [".5", "USD"],
      ["1,00", "USD"],
      ["999999999999999.99", "USD"],
    ] as const)
      assert.throws(() => back(value, code), { type: "PROVIDER_FAILED" }, value);
  });

  it("come back as they went, in every currency, or are refused", () => {
    fc.assert(
      fc.property(currency, amount, (code, minor) => {
        let there: { currency_code: string; value: string };
        try {
          there = toPayPal({ amount: minor, currency: code });
        } catch (error) {
          assert.ok(error instanceof ProviderRefused);
          return;
        }
        assert.deepEqual(fromPayPal(there), { amount: minor, currency: code });
      }),
      { numRuns: 2_000 },
    );
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { minorDigits } from "../../../../../broker/contract/values/currency.ts";
import { toMajor, toMinor, toWhole } from "../amounts.ts";

const currency = fc.constantFrom("USD", "PHP", "THB", "MYR", "KES", "IDR", "VND", "JPY", "KWD", "CLF");
const minor = fc.integer({ min: 0, max: 1_000_000_000_000 });

describe("amounts in major units", () => {
  it("come back as they went, as text and as JSON numbers, in any currency", () => {
    fc.assert(
      fc.property(minor, currency, (amount, code) => {
        const text = toMajor({ amount, currency: code });
        assert.equal(toMinor(text, code), amount);
        assert.equal(toMinor(JSON.parse(JSON.stringify(Number(text))), code), amount);
        assert.equal(toMinor(`${text}${minorDigits(code) === 0 ? ".00" : "00"}`, code), amount);
      }),
    );
  });

  it("are what people would write", () => {
    assert.equal(toMajor({ amount: 5, currency: "USD" }), "0.05");
    assert.equal(toMajor({ amount: 1_000_000, currency: "IDR" }), "10000.00");
    assert.equal(toMajor({ amount: 1_500, currency: "JPY" }), "1500");
    assert.equal(toMajor({ amount: 1_500, currency: "KWD" }), "1.500");
    assert.equal(toWhole({ amount: 1_000_000, currency: "IDR" }), 10_000);
    assert.equal(toWhole({ amount: 1_050, currency: "KES" }), null);
    assert.equal(toWhole({ amount: 1_050, currency: "JPY" }), 1_050);
  });

  it("are nothing where they are no amount", () => {
    for (const it of [
      "",
      "-1",
      "1e3",
      "1,00",
      " 1",
      "0.001",
      "1.",
      ".5",
      "NaN",
      "9999999999999999",
      -1,
      0.001,
      1e21,
      Number.NaN,
    ])
      assert.equal(toMinor(it, "USD"), null, String(it));
    assert.equal(toMinor("0.5", "JPY"), null);
  });
});

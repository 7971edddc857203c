/** Tax out of any amount at any rate: nothing is lost, and the rounding is the commercial one. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { BASIS_POINTS, splitTax, splitWithin } from "../../../services/payments/invoices/tax.ts";

const gross = fc.integer({ min: 0, max: 1_000_000_000_000 });
const rate = fc.integer({ min: 0, max: BASIS_POINTS });

describe("the tax that prices contain", () => {
  it("and the net price make the gross price, both whole and not negative", () => {
    fc.assert(
      fc.property(gross, rate, (amount, at) => {
        const { net, tax } = splitTax(amount, at);
        assert.equal(net + tax, amount);
        assert.ok(Number.isSafeInteger(net) && Number.isSafeInteger(tax) && net >= 0 && tax >= 0);
      }),
      { numRuns: 2_000 },
    );
  });

  it("is the nearest whole unit, and the upper one where two are as near", () => {
    fc.assert(
      fc.property(gross, rate, (amount, at) => {
        // Twice the distance between the rounded tax and the exact one, times the divisor.
        const off =
          2n * (BigInt(splitTax(amount, at).tax) * BigInt(BASIS_POINTS + at) - BigInt(amount) * BigInt(at));
        assert.ok(off > -BigInt(BASIS_POINTS + at) && off <= BigInt(BASIS_POINTS + at));
      }),
      { numRuns: 2_000 },
    );
  });

  it("of parts makes that of the whole, however it is divided, and is never negative", () => {
    const parts = fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(parts, rate, (amounts, at) => {
        const whole = splitTax(
          amounts.reduce((sum, it) => sum + it, 0),
          at,
        );
        let left = whole;
        for (const amount of amounts) {
          const { net, tax } = splitWithin(amount, at, left);
          assert.equal(net + tax, amount);
          assert.ok(net >= 0 && tax >= 0 && net <= left.net && tax <= left.tax);
          left = { net: left.net - net, tax: left.tax - tax };
        }
        assert.deepEqual(left, { net: 0, tax: 0 });
      }),
      { numRuns: 2_000 },
    );
    assert.deepEqual(splitWithin(1_000, 1_600, splitTax(2_500, 1_600)), splitTax(1_000, 1_600));
  });

  const known: [gross: number, rate: number, tax: number, why: string][] = [
    [11_600, 1_600, 1_600, "116.00 at 16 %"],
    [999, 1_900, 160, "9.99 at 19 %: 159.5…"],
    [3, 10_000, 2, "half of a unit goes up"],
    [1, 10_000, 1, "half of a unit goes up"],
    [12_345, 0, 0, "no tax"],
    [0, 1_600, 0, "nothing"],
    [1_000_000_000_000, 2_500, 200_000_000_000, "beyond what doubles multiply exactly"],
  ];
  for (const [amount, at, tax, why] of known)
    it(`is ${tax} of ${amount} at ${at}: ${why}`, () => assert.equal(splitTax(amount, at).tax, tax));
});

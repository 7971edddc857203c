/** What was owed, what was paid, and the provider's fee between them. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { mismatchOf, paidOf } from "../../../services/payments/payment/paid-figures.ts";

const idr = (amount: number) => ({ amount, currency: "IDR" });
const owed = idr(10_000);
const figures = (amount: number | null, fee: number | null = null, asked: number | null = null) => ({
  amount: amount === null ? null : idr(amount),
  fee: fee === null ? null : idr(fee),
  asked: asked === null ? null : idr(asked),
});

describe("the figures of a payment", () => {
  it("fit where the paid amount without the declared fee is owed", () => {
    for (const fits of [
      figures(10_000),
      figures(10_071, 71),
      figures(10_071, 71, 10_000),
      // A fee that was paid by the shop, or is in the amount.
      figures(10_000, 71),
      figures(10_000, 0, 10_000),
    ])
      assert.equal(mismatchOf(fits, owed), null, JSON.stringify(fits));
  });

  it("do not fit with a difference that nobody declares, another fee, or another amount asked", () => {
    for (const misfit of [
      figures(null),
      figures(0),
      figures(10_071),
      figures(10_071, 70),
      figures(10_071, 72),
      figures(9_929, 71),
      figures(10_071, 71, 9_999),
      figures(10_000, null, 9_929),
      figures(10_071, null, 10_000),
      // All of it a fee.
      figures(10_071, 10_071),
      figures(71, 10_071),
    ])
      assert.equal(mismatchOf(misfit, owed), "amount_mismatch", JSON.stringify(misfit));
  });

  it("are in one currency", () => {
    const usd = { amount: 71, currency: "USD" };
    assert.equal(mismatchOf({ ...figures(10_071), fee: usd }, owed), "amount_mismatch");
    assert.equal(
      mismatchOf({ ...figures(10_071, 71), asked: { ...usd, amount: 10_000 } }, owed),
      "currency_mismatch",
    );
    assert.equal(
      mismatchOf({ ...figures(10_071, 71), amount: { ...usd, amount: 10_000 } }, owed),
      "currency_mismatch",
    );
  });

  it("always sum to what was paid, and nothing is paid but what is owed", () => {
    const minor = fc.integer({ min: 0, max: 30_000 });
    fc.assert(
      fc.property(minor, fc.option(minor), fc.option(minor), (amount, fee, asked) => {
        const told = figures(amount, fee, asked);
        const paid = paidOf(told, owed) ?? assert.fail("it has an amount");
        assert.equal(paid.kept.amount + paid.fee, amount);
        assert.ok(paid.fee === 0 || paid.fee === fee);
        assert.ok(paid.kept.amount > 0 || amount === 0);
        if (mismatchOf(told, owed) === null) assert.equal(paid.kept.amount, owed.amount);
      }),
    );
  });
});

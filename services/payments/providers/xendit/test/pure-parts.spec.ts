/** The pure parts of Xendit's adapter: amounts and statuses. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { ProviderRefused } from "../../provider.ts";
import { majorOf, moneyOf, reportOf as xenditReport } from "../statuses.ts";
import "../../../payments.contract.ts";

const minor = fc.integer({ min: 0, max: 1_000_000_000_000 });

describe("Xendit's pure parts", () => {
  it("take whole rupiah and dong, and cents of the others", () => {
    assert.equal(majorOf({ amount: 1_000_000, currency: "IDR" }), 10_000);
    assert.equal(majorOf({ amount: 10_000, currency: "VND" }), 10_000);
    assert.equal(majorOf({ amount: 1_999, currency: "PHP" }), 19.99);
    for (const refused of [
      { amount: 1_050, currency: "IDR" },
      { amount: 0, currency: "PHP" },
      { amount: 100, currency: "EUR" },
    ])
      assert.throws(() => majorOf(refused), ProviderRefused);
    fc.assert(
      fc.property(minor, fc.constantFrom("PHP", "THB", "MYR", "USD"), (amount, code) => {
        fc.pre(amount > 0);
        const told = JSON.parse(JSON.stringify(majorOf({ amount, currency: code })));
        assert.deepEqual(moneyOf(told, code), { amount, currency: code });
      }),
    );
  });

  it("take PAID and SETTLED for one capture, and count refunds that have succeeded", () => {
    const invoice = { id: "i", status: "PAID", amount: 100, currency: "PHP", payment_id: "p" };
    const refund = (amount: number, status: string) => ({
      id: `r${amount}`,
      amount,
      currency: "PHP",
      status,
    });
    assert.deepEqual(xenditReport(invoice, []), xenditReport({ ...invoice, status: "SETTLED" }, []));
    assert.equal(xenditReport(invoice, [refund(40, "PENDING"), refund(60, "FAILED")]).status, "captured");
    assert.equal(xenditReport(invoice, [refund(40, "SUCCEEDED")]).status, "partially_refunded");
    assert.equal(
      xenditReport(invoice, [refund(40, "SUCCEEDED"), refund(60, "SUCCEEDED")]).status,
      "refunded",
    );
    assert.deepEqual(xenditReport({ ...invoice, paid_amount: 120 }, []).amount, {
      amount: 12_000,
      currency: "PHP",
    });
    const { payment_id: _, ...unpaid } = { ...invoice, status: "PENDING" };
    assert.deepEqual([xenditReport(unpaid, []).status, xenditReport(unpaid, []).amount], ["pending", null]);
    const slow = xenditReport({ ...invoice, status: "PENDING" }, []);
    assert.deepEqual([slow.status, slow.amount, slow.receipt], ["processing", null, null]);
    const fees = [{ value: 15 }, { value: 5 }];
    const withFees = { ...invoice, paid_amount: 120, fees };
    assert.deepEqual(xenditReport(withFees, []).fee, { amount: 2_000, currency: "PHP" });
    assert.equal(xenditReport(withFees, [refund(100, "SUCCEEDED")]).status, "refunded");
    assert.equal(xenditReport({ ...invoice, fees: [] }, []).fee, undefined);
    assert.equal(xenditReport({ ...invoice, status: "EXPIRED" }, []).status, "expired");
    assert.throws(() => xenditReport({ ...invoice, status: "NEW" }, []), { type: "PROVIDER_FAILED" });
  });
});

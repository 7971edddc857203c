import assert from "node:assert/strict";
import fc from "fast-check";
import { partsAt, pathsOf } from "../../../services/reports/models/record.model.ts";
import {
  type Contribution,
  contributionOf,
  difference,
  type Field,
  keyOf,
  MAX_PAIRED,
  pairedProducts,
  shares,
  taxIn,
} from "../../../services/reports/order/contribution.ts";
import type { OrderParts } from "../../../services/reports/order/order-record.ts";
import { dayIn, startOfDay } from "../../../services/reports/stats/days.ts";

const dayOf = dayIn("UTC");
const line = fc.record({
  productId: fc.option(fc.constantFrom("a", "b", "c", "d")),
  name: fc.constantFrom("Lamp", "Tea"),
  quantity: fc.integer({ min: 1, max: 999 }),
  total: fc.integer({ min: 0, max: 1_000_000_000 }),
});
const at = fc.integer({ min: 0, max: 5 }).map((n) => `2026-11-2${n}T10:00:00.000Z`);
const movements = fc.dictionary(
  fc.constantFrom("one", "two", "three"),
  fc.record({ at, amount: fc.integer({ min: 1, max: 1_000_000 }), currency: fc.constantFrom("USD", "KES") }),
);
const order: fc.Arbitrary<OrderParts> = fc.record(
  {
    placed: fc.record({ at }),
    paid: fc.record({
      at,
      country: fc.constantFrom("KE", "DE"),
      currency: fc.constantFrom("USD", "KES"),
      lines: fc.array(line, { minLength: 1, maxLength: 12 }),
      taxRate: fc.constantFrom(0, 1_600, 1_900),
    }),
    captures: movements,
    refunds: movements,
  },
  { requiredKeys: [] },
);

/** The counters of some additions, without zeros. */
function totals(additions: Iterable<{ key: string; add: Partial<Record<Field, number>> }>) {
  const sums = new Map<string, number>();
  for (const { key, add } of additions)
    for (const [field, n] of Object.entries(add))
      sums.set(`${key} ${field}`, (sums.get(`${key} ${field}`) ?? 0) + n);
  return Object.fromEntries([...sums].filter(([, n]) => n !== 0).sort());
}
const ofContribution = (it: Contribution) => totals([...it].map(([key, { add }]) => ({ key, add })));

describe("what an order adds to the counters", () => {
  it("is the same, in whatever steps and order its events are counted", () => {
    fc.assert(
      fc.property(order, fc.infiniteStream(fc.nat()), (parts, random) => {
        const paths = pathsOf(parts);
        const shuffled = paths
          .map((path) => ({ path, at: random.next().value ?? 0 }))
          .sort((a, b) => a.at - b.at)
          .map((it) => it.path);
        const counted = new Set<string>();
        const added = shuffled.flatMap((path) => {
          const before = contributionOf(partsAt(parts, counted), dayOf);
          counted.add(path);
          const after = contributionOf(partsAt(parts, counted), dayOf);
          return difference(before, after).map((it) => ({ key: keyOf(it.dimensions), add: it.add }));
        });
        assert.deepEqual(totals(added), ofContribution(contributionOf(parts, dayOf)));
      }),
      { numRuns: 100 },
    );
  });

  it("adds up: products and countries to the day, refunds to what was given back of paid orders", () => {
    fc.assert(
      fc.property(order, (parts) => {
        const sums = { day: {}, product: {}, country: {} } as Record<string, Record<string, number>>;
        for (const { dimensions, add } of contributionOf(parts, dayOf).values()) {
          const sum = sums[dimensions.kind];
          for (const field of ["gross", "tax", "refunds", "units"] as const)
            if (sum) sum[field] = (sum[field] ?? 0) + (add[field] ?? 0);
        }
        if (!parts.paid) return;
        assert.deepEqual(sums.product, sums.day && pick(sums.day, sums.product));
        assert.deepEqual(sums.country, sums.day);
      }),
      { numRuns: 100 },
    );
  });

  it("is at most 90 pairs, of the products that were paid most for", () => {
    const lines = Array.from({ length: 100 }, (_, n) => ({
      productId: `p${n}`,
      name: "",
      quantity: 1,
      total: n,
    }));
    assert.deepEqual(pairedProducts(lines)[0], "p99");
    assert.equal(pairedProducts(lines).length, MAX_PAIRED);
    const paid = { at: "2026-11-27T10:00:00.000Z", country: "KE", currency: "USD", lines, taxRate: 0 };
    const pairs = [...contributionOf({ paid }, dayOf).values()].filter((it) => it.dimensions.kind === "pair");
    assert.equal(pairs.length, 90);
  });
});

const pick = (from: Record<string, number>, like: Record<string, number> = {}) =>
  Object.fromEntries(Object.keys(like).map((it) => [it, from[it] ?? 0]));

describe("shares of an amount", () => {
  it("add up to it", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), fc.array(line, { minLength: 1 }), (amount, lines) => {
        assert.equal(
          shares(amount, lines).reduce((sum, it) => sum + it, 0),
          amount,
        );
      }),
    );
  });
  it("of tax are as on invoices", () => {
    assert.deepEqual(
      [taxIn(11_600, 1_600), taxIn(0, 1_600), taxIn(100, 0), taxIn(1, 10_000)],
      [1_600, 0, 0, 1],
    );
  });
});

describe("days of a time zone", () => {
  for (const zone of ["UTC", "Africa/Nairobi", "America/New_York", "Pacific/Kiritimati", "Asia/Kathmandu"])
    it(`begin when they do in ${zone}`, () => {
      const days = dayIn(zone);
      for (const day of ["2026-03-08", "2026-06-30", "2026-11-01", "2027-01-01"]) {
        const start = Date.parse(startOfDay(days, day));
        assert.equal(days(new Date(start)), day);
        assert.ok(days(new Date(start - 1)) < day);
      }
    });
});

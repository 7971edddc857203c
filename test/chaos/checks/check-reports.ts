/** Reports against the ledger of payments: captured and refunded, per day and currency. Pure. */

import type { Transaction } from "../../../services/payments/ledger/transaction.ts";
import type { Batch, Counter } from "../../../services/reports/models/counter.model.ts";
import { type OrderRecord, partsAt } from "../../../services/reports/models/record.model.ts";
import {
  contributionOf,
  type DayOf,
  difference,
  keyOf,
} from "../../../services/reports/order/contribution.ts";
import type { CheckResult } from "./check.ts";

export interface ReportsEvidence {
  /** Of payments. */
  transactions: readonly Pick<Transaction, "kind" | "currency" | "entries" | "at">[];
  /** All of the live generation. */
  counters: readonly Counter[];
  records: readonly OrderRecord[];
  batches: readonly Batch[];
  /** Of the reports. */
  dayOf: DayOf;
}

/** Records that are not counted yet are added to the counters: they are, a second later. */
export function checkReports(evidence: ReportsEvidence): CheckResult[] {
  const ledger = ofLedger(evidence);
  const counted = ofCounters(evidence);
  const failures = [...new Set([...ledger.keys(), ...counted.keys()])].toSorted().flatMap((what) => {
    const [booked, shown] = [ledger.get(what) ?? 0, counted.get(what) ?? 0];
    return booked === shown ? [] : [`${what}: ${booked} in the ledger, ${shown} in the reports`];
  });
  return [
    { name: "reports equal the ledger", looked: "bookings", count: evidence.transactions.length, failures },
    {
      name: "the reports' counters are what their records add up to",
      looked: "counters",
      count: evidence.counters.length,
      failures: checkCounters(evidence),
    },
  ];
}

type Sums = Map<string, number>;

const add = (sums: Sums, what: string, amount: number): void => {
  if (amount !== 0) sums.set(what, (sums.get(what) ?? 0) + amount);
};

function ofLedger({ transactions, dayOf }: ReportsEvidence): Sums {
  const sums: Sums = new Map();
  for (const { kind, currency, entries, at } of transactions)
    for (const { account, amount } of entries) {
      const where = `${dayOf(new Date(at))} ${currency}`;
      if (kind === "capture" && account === "sales") add(sums, `captured ${where}`, -amount);
      if (kind === "refund" && account === "refunds") add(sums, `refunded ${where}`, amount);
    }
  return sums;
}

function ofCounters({ counters, records, dayOf }: ReportsEvidence): Sums {
  const sums: Sums = new Map();
  const days = counters.filter((it) => it.kind === "day");
  for (const { day, currency, captured = 0, refunded = 0 } of days) {
    add(sums, `captured ${day} ${currency}`, captured);
    add(sums, `refunded ${day} ${currency}`, refunded);
  }
  for (const record of records)
    for (const { dimensions, add: more } of notCounted(record, dayOf)) {
      if (dimensions.kind !== "day") continue;
      add(sums, `captured ${dimensions.day} ${dimensions.currency}`, more.captured ?? 0);
      add(sums, `refunded ${dimensions.day} ${dimensions.currency}`, more.refunded ?? 0);
    }
  return sums;
}

const notCounted = (record: OrderRecord, dayOf: DayOf) =>
  record.dirty === undefined
    ? []
    : difference(
        contributionOf(partsAt(record, new Set(record.counted)), dayOf),
        contributionOf(record, dayOf),
      );

/** Each counter, field by field, against all records. */
function checkCounters({ counters, records, batches, dayOf }: ReportsEvidence): string[] {
  const expected: Sums = new Map();
  for (const record of records)
    for (const { dimensions, add: more } of contributionOf(
      partsAt(record, new Set(record.counted)),
      dayOf,
    ).values())
      for (const [field, n] of Object.entries(more)) add(expected, `${keyOf(dimensions)} ${field}`, n);
  const present: Sums = new Map();
  for (const counter of counters)
    for (const field of FIELDS) add(present, `${keyOf(counter)} ${field}`, counter[field] ?? 0);
  const different = [...new Set([...expected.keys(), ...present.keys()])].toSorted().flatMap((what) => {
    const [wanted = 0, is = 0] = [expected.get(what), present.get(what)];
    return wanted === is ? [] : [`${what}: the records add up to ${wanted}, the counter has ${is}`];
  });
  return [
    ...different,
    ...batches.flatMap((it) => (it.isOpen ? [`batch ${it.seq} of ${it._id} is open`] : [])),
  ];
}

const FIELDS = [
  ...(["orders", "units", "gross", "tax", "refunds", "captured", "refunded"] as const),
  ...(["placed", "paid", "together"] as const),
];

/**
 * What an order adds to the counters. Pure: the same parts always add the same, so counting only what is new is the
 * difference of two contributions.
 */
import type { Movement, OrderParts, PaidPart, SoldLine } from "./order-record.ts";

export type Kind = "day" | "product" | "country" | "conversion" | "pair";

/** What a counter is of. Fields that do not apply are left out. */
export interface Dimensions {
  kind: Kind;
  day?: string;
  currency?: string;
  productId?: string | null;
  country?: string;
  /** Of a pair: the product that was bought too. */
  other?: string;
}

export type Field =
  | "orders"
  | "units"
  | "gross"
  | "tax"
  | "refunds"
  | "captured"
  | "refunded"
  | "placed"
  | "paid"
  | "together";

export interface Addition {
  dimensions: Dimensions;
  add: Partial<Record<Field, number>>;
  /** Of the product, for people. */
  name?: string;
}

/** By the counter's key. */
export type Contribution = Map<string, Addition>;

export type DayOf = (at: Date) => string;

/** Of one order, the ten products that it paid most for make pairs: 90 counters at most, however long the order. */
export const MAX_PAIRED = 10;

export const keyOf = ({ kind, day, currency, productId, country, other }: Dimensions): string =>
  [kind, day, currency, productId, country, other].map((it) => it ?? "").join("/");

export function contributionOf(parts: OrderParts, dayOf: DayOf): Contribution {
  const made: Contribution = new Map();
  const day = (at: string) => dayOf(new Date(at));
  const { placed, paid, captures = {}, refunds = {} } = parts;
  if (placed) plus(made, { kind: "conversion", day: day(placed.at) }, { placed: 1 });
  for (const it of Object.values(captures))
    plus(made, { kind: "day", day: day(it.at), currency: it.currency }, { captured: it.amount });
  for (const it of Object.values(refunds)) {
    plus(made, { kind: "day", day: day(it.at), currency: it.currency }, { refunded: it.amount });
    if (paid && paid.currency === it.currency) refundSale(made, paid, it, day(it.at));
  }
  if (paid) sell(made, paid, day(paid.at));
  return made;
}

function sell(made: Contribution, paid: PaidPart, day: string): void {
  const { currency, country, lines, taxRate } = paid;
  const gross = lines.reduce((sum, it) => sum + it.total, 0);
  const taxes = shares(taxIn(gross, taxRate), lines);
  const whole = {
    orders: 1,
    units: lines.reduce((sum, it) => sum + it.quantity, 0),
    gross,
    tax: taxIn(gross, taxRate),
  };
  plus(made, { kind: "conversion", day }, { paid: 1 });
  plus(made, { kind: "day", day, currency }, whole);
  plus(made, { kind: "country", day, currency, country }, whole);
  const seen = new Set<string | null>();
  for (const [at, { productId, name, quantity, total }] of lines.entries()) {
    const add = { orders: seen.has(productId) ? 0 : 1, units: quantity, gross: total, tax: taxes[at] ?? 0 };
    plus(made, { kind: "product", day, currency, productId }, add, name);
    seen.add(productId);
  }
  const paired = pairedProducts(lines);
  for (const productId of paired)
    for (const other of paired)
      if (other !== productId) plus(made, { kind: "pair", productId, other }, { together: 1 });
}

/** A refund belongs to the lines in proportion to what was paid for them. */
function refundSale(made: Contribution, paid: PaidPart, { amount, currency }: Movement, day: string): void {
  const { country, lines } = paid;
  plus(made, { kind: "day", day, currency }, { refunds: amount });
  plus(made, { kind: "country", day, currency, country }, { refunds: amount });
  const parts = shares(amount, lines);
  for (const [at, { productId, name }] of lines.entries())
    plus(made, { kind: "product", day, currency, productId }, { refunds: parts[at] ?? 0 }, name);
}

/** The ids of the products that were paid most for, at most {@link MAX_PAIRED}. Of equal ones, by id. */
export function pairedProducts(lines: readonly SoldLine[]): string[] {
  const totals = new Map<string, number>();
  for (const { productId, total } of lines)
    if (productId !== null) totals.set(productId, (totals.get(productId) ?? 0) + total);
  return [...totals]
    .sort(([a, paidA], [b, paidB]) => paidB - paidA || (a < b ? -1 : 1))
    .slice(0, MAX_PAIRED)
    .map(([id]) => id);
}

const BASIS_POINTS = 10_000n;

/** Tax that is included, rounded half up, as on invoices. */
export function taxIn(gross: number, rate: number): number {
  const divisor = BASIS_POINTS + BigInt(rate);
  return Number((2n * BigInt(gross) * BigInt(rate) + divisor) / (2n * divisor));
}

/** An amount divided in proportion to the lines' totals, so that the parts add up to it. Lines of 0 get nothing. */
export function shares(amount: number, lines: readonly Pick<SoldLine, "total">[]): number[] {
  const whole = lines.reduce((sum, it) => sum + it.total, 0);
  if (whole === 0) return lines.map((_, at) => (at === 0 ? amount : 0));
  let sum = 0;
  let given = 0;
  return lines.map(({ total }) => {
    sum += total;
    const upToHere = Number((BigInt(amount) * BigInt(sum)) / BigInt(whole));
    const part = upToHere - given;
    given = upToHere;
    return part;
  });
}

/** What `after` adds to `before`. Counters that it does not change are left out. */
export function difference(before: Contribution, after: Contribution): Addition[] {
  const changed: Addition[] = [];
  for (const [key, { dimensions, add, name }] of after) {
    const known = before.get(key)?.add ?? {};
    const more = Object.entries(add).flatMap(([field, n]) => {
      const difference = n - (known[field as Field] ?? 0);
      return difference === 0 ? [] : [[field, difference] as const];
    });
    if (more.length > 0)
      changed.push({ dimensions, add: Object.fromEntries(more), ...(name === undefined ? {} : { name }) });
  }
  return changed;
}

export function plus(
  made: Contribution,
  dimensions: Dimensions,
  add: Partial<Record<Field, number>>,
  name?: string,
): void {
  const key = keyOf(dimensions);
  const known = made.get(key) ?? { dimensions, add: {} };
  const sums = { ...known.add };
  for (const [field, n] of Object.entries(add)) sums[field as Field] = (sums[field as Field] ?? 0) + n;
  made.set(key, { dimensions, add: sums, ...((name ?? known.name) && { name: name ?? known.name ?? "" }) });
}

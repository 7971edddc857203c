/** The first items of an order, without sorting all. */

export interface Ordered {
  /** Turned round where the order descends: the least comes first. Longer than `length`. */
  ranks: Float64Array;
  length: number;
  /** The order of two items of equal rank: below 0 where the first comes first. */
  tie(item: number, other: number): number;
  /** Whether the last items are probably the first of those of equal rank. They are looked at first then. */
  fromEnd: boolean;
}

/** Where a page begins. */
export interface Start {
  /** Turned round like {@link Ordered.ranks}. */
  rank: number;
  /** Whether an item of that rank comes after the start. */
  isBefore(item: number): boolean;
}

/**
 * The first `limit` items after the start, in order. Most items cost one comparison of numbers.
 * @returns item numbers
 */
export function firstInOrder(
  { ranks, length, tie, fromEnd }: Ordered,
  start: Start | undefined,
  limit: number,
): number[] {
  const from = start?.rank ?? Number.NEGATIVE_INFINITY;
  const first: number[] = [];
  let worst = Number.POSITIVE_INFINITY;
  for (let i = 0; i < length; i++) {
    const item = fromEnd ? length - 1 - i : i;
    const rank = ranks[item] as number;
    if (rank > worst || rank < from) continue;
    if (start !== undefined && rank === from && !start.isBefore(item)) continue;
    if (rank === worst && tie(first[limit - 1] as number, item) < 0) continue;
    let low = 0;
    let high = first.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = first[middle] as number;
      const order = (ranks[other] as number) - rank || tie(other, item);
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    first.splice(low, 0, item);
    if (first.length > limit) first.pop();
    if (first.length === limit) worst = ranks[first[limit - 1] as number] as number;
  }
  return first;
}

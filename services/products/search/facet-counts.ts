/** Counts what the products of a search have. Each product is looked at a few times, in its columns. */
import type { Criteria } from "./criteria.ts";
import type { CategoryCount, OptionFacet, PriceFacet } from "./product-search.ts";
import { MIXED, type ProductTable } from "./product-table.ts";

/** Product numbers; the array is longer than `length`. */
export interface Numbers {
  readonly numbers: Uint32Array;
  readonly length: number;
}

export function countCategories(
  { categories, categorySets }: ProductTable,
  { numbers, length }: Numbers,
): ReadonlyMap<string, CategoryCount> {
  const ofSets = new Uint32Array(categorySets.length);
  for (let i = 0; i < length; i++) increment(ofSets, categories[numbers[i] as number] as number);
  const counts = new Map<string, CategoryCount>();
  const countOf = (id: string) => {
    const known = counts.get(id) ?? { own: 0, all: 0 };
    counts.set(id, known);
    return known;
  };
  for (const [set, count] of ofSets.entries()) {
    if (count === 0) continue;
    for (const id of categorySets[set]?.own ?? []) countOf(id).own += count;
    for (const id of categorySets[set]?.all ?? []) countOf(id).all += count;
  }
  return counts;
}

/**
 * Products by currency and the prices of their variants that can be had.
 * @param criteria that a variant must pass too
 */
export function countPrices(
  table: ProductTable,
  { numbers, length }: Numbers,
  criteria: Criteria,
): PriceFacet[] {
  const { variants, firstVariant, lowest, highest, currency } = table;
  const found = variants.currencies.map((code) => ({
    currency: code,
    min: Number.POSITIVE_INFINITY,
    max: 0,
    count: 0,
    last: -1,
  }));
  const add = (of: number, product: number, low: number, high: number) => {
    const facet = found[of];
    if (!facet) return;
    if (low < facet.min) facet.min = low;
    if (high > facet.max) facet.max = high;
    if (facet.last !== product) facet.count++;
    facet.last = product;
  };
  for (let i = 0; i < length; i++) {
    const product = numbers[i] as number;
    const of = currency[product] as number;
    if (of !== MIXED && (!criteria.testsVariants || criteria.passesWhole(product))) {
      add(of, product, lowest[product] as number, highest[product] as number);
      continue;
    }
    const stocked = table.inStock[product] === 1;
    const end = firstVariant[product + 1] as number;
    for (let variant = firstVariant[product] as number; variant < end; variant++) {
      if (stocked && variants.inStock[variant] === 0) continue;
      if (!criteria.passesVariant(variant, stocked)) continue;
      const amount = variants.prices[variant] as number;
      add(variants.currency[variant] as number, product, amount, amount);
    }
  }
  return found
    .filter((it) => it.count > 0)
    .map(({ last: _, ...facet }) => facet)
    .sort((a, b) => b.count - a.count || (a.currency < b.currency ? -1 : 1));
}

/**
 * Products by the options of their variants.
 * @param criteria that a variant must pass
 * @param isCounted whether an option is counted, by its normalized name
 */
export function countOptions(
  table: ProductTable,
  { numbers, length }: Numbers,
  criteria: Criteria,
  isCounted: (nameKey: string) => boolean,
): OptionFacet[] {
  const { variants, firstVariant, optionSet } = table;
  const { pairs, sets } = variants.options;
  const counts = new Uint32Array(pairs.length);
  // Products all of whose variants pass are counted by their set of options, of which there are few.
  const ofSets = new Uint32Array(sets.length);
  const last = new Int32Array(criteria.testsVariants ? pairs.length : 0).fill(-1);
  for (let i = 0; i < length; i++) {
    const product = numbers[i] as number;
    if (!criteria.testsVariants || criteria.passesWhole(product)) {
      increment(ofSets, optionSet[product] as number);
      continue;
    }
    const stocked = table.inStock[product] === 1;
    const end = firstVariant[product + 1] as number;
    for (let variant = firstVariant[product] as number; variant < end; variant++) {
      if (!criteria.passesVariant(variant, stocked)) continue;
      for (const pair of sets[variants.optionSet[variant] as number] ?? []) {
        if (last[pair] !== product) increment(counts, pair);
        last[pair] = product;
      }
    }
  }
  for (const [set, count] of ofSets.entries())
    if (count > 0) for (const pair of sets[set] ?? []) counts[pair] = (counts[pair] as number) + count;
  return facetsOf(table, counts, isCounted);
}

function facetsOf(
  { variants }: ProductTable,
  counts: Uint32Array,
  isCounted: (nameKey: string) => boolean,
): OptionFacet[] {
  const found = new Map<string, { name: string; values: { value: string; count: number }[] }>();
  for (const [at, { name, nameKey, value }] of variants.options.pairs.entries()) {
    const count = counts[at] as number;
    if (count === 0 || !isCounted(nameKey)) continue;
    const facet = found.get(nameKey) ?? { name, values: [] };
    facet.values.push({ value, count });
    found.set(nameKey, facet);
  }
  for (const { values } of found.values())
    values.sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
  return [...found.values()];
}

/** @param numbers products that pass whatever their stock */
export function countStock(
  table: ProductTable,
  { numbers, length }: Numbers,
  criteria: Criteria,
): { inStock: number; outOfStock: number } {
  const inStock = criteria.withStock(true);
  let [present, absent] = [0, 0];
  for (let i = 0; i < length; i++) {
    const product = numbers[i] as number;
    if (table.inStock[product] === 0) absent++;
    else if (!criteria.takesAnyVariant || inStock.passes(product)) present++;
  }
  return { inStock: present, outOfStock: absent };
}

const increment = (counts: Uint32Array, at: number): void => {
  counts[at] = (counts[at] as number) + 1;
};

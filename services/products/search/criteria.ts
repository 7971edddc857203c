/** The filters of a search, as tests of products and their variants by number. */
import type { SearchFilters } from "./product-search.ts";
import { MIXED, type ProductTable } from "./product-table.ts";

/** A filter of variants by one option. One variant must pass those of all. */
interface OptionTest {
  /** See {@link optionGroup}: counts of a group leave its own filter out. */
  readonly group: string;
  /** @param set of options, by its number */
  has(set: number): boolean;
}

export const PRICE = "price";
/** @param nameKey normalized name */
export const optionGroup = (nameKey: string): string => `option ${nameKey}`;

/** A range of prices of one currency, by its number. */
interface PriceRange {
  readonly currency: number;
  readonly min: number;
  readonly max: number;
}

interface Parts {
  readonly price: PriceRange | undefined;
  readonly options: readonly OptionTest[];
  readonly inStock: boolean | undefined;
  readonly published: number | undefined;
}

export class Criteria {
  readonly #table: ProductTable;
  readonly #parts: Parts;

  private constructor(table: ProductTable, parts: Parts) {
    this.#table = table;
    this.#parts = parts;
  }

  /** @param keyOf normalizes the name of an option */
  static of(
    table: ProductTable,
    { inStock, price, options, published }: Omit<SearchFilters, "text" | "category">,
    keyOf: (name: string) => string,
  ): Criteria {
    const { variants } = table;
    return new Criteria(table, {
      price: price && { currency: variants.currencyNumber(price.currency), min: price.min, max: price.max },
      options: Object.entries(options).map(([name, values]) => ({
        group: optionGroup(keyOf(name)),
        has: anyOf(variants.options.sets, variants.options.numbersOf(name, values)),
      })),
      inStock,
      published: published === undefined ? undefined : Number(published),
    });
  }

  /** The groups that have a filter of variants. */
  get groups(): string[] {
    const { price, options } = this.#parts;
    return [...(price ? [PRICE] : []), ...options.map((it) => it.group)];
  }

  get inStock(): boolean | undefined {
    return this.#parts.inStock;
  }

  /** Whether a variant that can't be had may be the one that passes. */
  get takesAnyVariant(): boolean {
    return this.#parts.options.length > 0 && this.#parts.price === undefined;
  }

  /** Whether some variants of a product that passes may not. */
  get testsVariants(): boolean {
    const { price, options, inStock } = this.#parts;
    return price !== undefined || options.length > 0 || inStock === true;
  }

  without(group: string): Criteria {
    const { price, options } = this.#parts;
    return new Criteria(this.#table, {
      ...this.#parts,
      price: group === PRICE ? undefined : price,
      options: options.filter((it) => it.group !== group),
    });
  }

  withStock(inStock: boolean | undefined): Criteria {
    return new Criteria(this.#table, { ...this.#parts, inStock });
  }

  /** Whether the product may be shown at all. */
  isVisible(product: number): boolean {
    const { listed, published } = this.#table;
    if (listed[product] === 0) return false;
    return this.#parts.published === undefined || published[product] === this.#parts.published;
  }

  /** @param product a visible one */
  passes(product: number): boolean {
    const { price, options, inStock } = this.#parts;
    const stocked = this.#table.inStock[product] === 1;
    if (inStock !== undefined && inStock !== stocked) return false;
    if (options.length === 0) {
      if (!price) return true;
      // The lowest and the highest price are of variants that can be had.
      const { currency, lowest, highest } = this.#table;
      if (currency[product] !== MIXED) {
        if (currency[product] !== price.currency) return false;
        const [low, high] = [lowest[product] as number, highest[product] as number];
        if (high < price.min || low > price.max) return false;
        if (low >= price.min || high <= price.max) return true;
      }
    }
    const { firstVariant } = this.#table;
    const end = firstVariant[product + 1] as number;
    for (let variant = firstVariant[product] as number; variant < end; variant++)
      if (this.passesVariant(variant, stocked)) return true;
    return false;
  }

  /** Whether all variants pass, of a product that passes. False where it would take a look at each. */
  passesWhole(product: number): boolean {
    const { price, options, inStock } = this.#parts;
    if (options.length > 0) return false;
    const { currency, lowest, highest, offersAll } = this.#table;
    if (!price) return inStock !== true || offersAll[product] === 1;
    return (
      offersAll[product] === 1 &&
      currency[product] === price.currency &&
      (lowest[product] as number) >= price.min &&
      (highest[product] as number) <= price.max
    );
  }

  /** @param stocked whether any variant of the product is in stock */
  passesVariant(variant: number, stocked: boolean): boolean {
    const { price, options, inStock } = this.#parts;
    const { variants } = this.#table;
    const isOffer = !stocked || variants.inStock[variant] === 1;
    if (!isOffer && (price || inStock === true)) return false;
    if (price) {
      const amount = variants.prices[variant] as number;
      if (variants.currency[variant] !== price.currency) return false;
      if (amount < price.min || amount > price.max) return false;
    }
    const set = variants.optionSet[variant] as number;
    for (const { has } of options) if (!has(set)) return false;
    return true;
  }
}

/** Whether a set has any of the numbers. Each set is looked at once. */
function anyOf(sets: readonly (readonly number[])[], wanted: ReadonlySet<number>): (set: number) => boolean {
  if (wanted.size === 0) return () => false;
  const known = new Uint8Array(sets.length);
  return (set) => {
    if (known[set] === 0) known[set] = sets[set]?.some((it) => wanted.has(it)) ? 1 : 2;
    return known[set] === 1;
  };
}

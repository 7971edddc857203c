/** The filters of a search, as tests of products and their variants by number. */
import type { SearchFilters } from "./product-search.ts";
import type { ProductTable } from "./product-table.ts";

/** A filter of variants. One variant must pass those of all groups. */
interface VariantTest {
  /** `price`, or an option's normalized name: counts of a group leave its own filter out. */
  readonly group: string;
  /** @param isOffer whether it can be had */
  passes(variant: number, isOffer: boolean): boolean;
}

export const PRICE = "price";
/** @param nameKey normalized name */
export const optionGroup = (nameKey: string): string => `option ${nameKey}`;

export class Criteria {
  readonly #table: ProductTable;
  readonly #tests: readonly VariantTest[];
  readonly inStock: boolean | undefined;
  readonly #published: number | undefined;

  private constructor(
    table: ProductTable,
    tests: readonly VariantTest[],
    inStock: boolean | undefined,
    published: number | undefined,
  ) {
    this.#table = table;
    this.#tests = tests;
    this.inStock = inStock;
    this.#published = published;
  }

  static of(
    table: ProductTable,
    { inStock, price, options, published }: Omit<SearchFilters, "text" | "category">,
    keyOf: (name: string) => string,
  ): Criteria {
    const { variants } = table;
    const tests: VariantTest[] = Object.entries(options).map(([name, values]) => {
      const has = anyOf(variants.options.sets, variants.options.numbersOf(name, values));
      return {
        group: optionGroup(keyOf(name)),
        passes: (variant) => has(variants.optionSet[variant] as number),
      };
    });
    if (price) {
      const currency = variants.currencyNumber(price.currency);
      tests.push({
        group: PRICE,
        passes(variant, isOffer) {
          const amount = variants.prices[variant] as number;
          if (!isOffer || variants.currency[variant] !== currency) return false;
          return amount >= price.min && amount <= price.max;
        },
      });
    }
    const visible = published === undefined ? undefined : Number(published);
    return new Criteria(table, tests, inStock, visible);
  }

  /** The groups that have a filter of variants. */
  get groups(): string[] {
    return this.#tests.map((it) => it.group);
  }

  get testsVariants(): boolean {
    return this.#tests.length > 0 || this.inStock === true;
  }

  without(group: string): Criteria {
    const others = this.#tests.filter((it) => it.group !== group);
    return new Criteria(this.#table, others, this.inStock, this.#published);
  }

  withStock(inStock: boolean | undefined): Criteria {
    return new Criteria(this.#table, this.#tests, inStock, this.#published);
  }

  /** Whether the product may be shown at all. */
  isVisible(product: number): boolean {
    const { listed, published } = this.#table;
    if (listed[product] === 0) return false;
    return this.#published === undefined || published[product] === this.#published;
  }

  /** @param product a visible one */
  passes(product: number): boolean {
    const stocked = this.#table.inStock[product] === 1;
    if (this.inStock !== undefined && this.inStock !== stocked) return false;
    if (this.#tests.length === 0) return true;
    const { firstVariant } = this.#table;
    const end = firstVariant[product + 1] as number;
    for (let variant = firstVariant[product] as number; variant < end; variant++)
      if (this.passesVariant(variant, stocked)) return true;
    return false;
  }

  /** @param stocked whether any variant of the product is in stock */
  passesVariant(variant: number, stocked: boolean): boolean {
    const isOffer = !stocked || this.#table.variants.inStock[variant] === 1;
    if (this.inStock === true && !isOffer) return false;
    for (const test of this.#tests) if (!test.passes(variant, isOffer)) return false;
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

/** What a search reads of each product, by its number: columns, because a search reads one field of many products. */
import type { Listing } from "../models/product.model.ts";
import { normalizeText } from "../text/normalize-text.ts";
import { sortName } from "../text/sort-name.ts";
import { bytes, floats, wholes, withRoom } from "./columns.ts";
import type { Order, SearchedProduct } from "./product-search.ts";
import { SkuOrder } from "./sku-order.ts";
import { headOf, type Place, priceRank, ratingRank, timeOf } from "./sort-keys.ts";
import { VariantTable } from "./variant-table.ts";

/** Products in exactly these categories. */
export interface CategorySet {
  readonly own: readonly string[];
  /** And all above them. */
  readonly all: readonly string[];
}

/** In place of a currency's number: the prices are of several. */
export const MIXED = 0xff;

export class ProductTable {
  readonly ids: string[] = [];
  readonly names: string[] = [];
  readonly variants = new VariantTable();
  readonly skus = new SkuOrder();
  writes = floats(16);
  /** 0 for a product that is gone, or that has got another number. */
  listed = bytes(16);
  /** Whether customers see it. */
  published = bytes(16);
  inStock = bytes(16);
  wordsOfName = bytes(16);
  /** Which of {@link categorySets}. */
  categories = wholes(16);
  /** Which set of {@link VariantTable.options}, of all its variants. */
  optionSet = wholes(16);
  /** The number of its first variant. That of the next product is behind its last one. */
  firstVariant = wholes(16);
  /** Of its variants that can be had. */
  lowest = floats(16);
  highest = floats(16);
  /** Whether each of its variants can be had. */
  offersAll = bytes(16);
  /** Of these prices, or {@link MIXED}. */
  currency = bytes(16);
  /** The sets of categories that products are in. Products share them. */
  readonly categorySets: CategorySet[] = [];
  readonly #setNumbers = new Map<string, number>();
  readonly #shopCurrency: string;
  #times = floats(16);
  #nameHeads = floats(16);
  #ratings = floats(16);
  #prices = floats(16);

  /** @param shopCurrency whose prices come first in an order by price */
  constructor(shopCurrency: string) {
    this.#shopCurrency = shopCurrency;
  }

  /** How many numbers are given. */
  get length(): number {
    return this.ids.length;
  }

  /** @returns the product's number */
  add(product: SearchedProduct, listing: Listing, wordsOfName: number): number {
    const number = this.ids.length;
    this.#makeRoom(number);
    const name = sortName(listing.name);
    this.ids.push(product._id);
    this.names.push(name);
    this.writes[number] = product.writes;
    this.listed[number] = 1;
    this.published[number] = product.onSale ? 1 : 0;
    this.wordsOfName[number] = Math.min(wordsOfName, 255);
    this.categories[number] = this.#setOf({ own: product.categoryIds, all: listing.listedIn });
    this.#addVariants(number, product, listing);
    this.#times[number] = timeOf(product._id);
    this.#nameHeads[number] = headOf(name);
    this.#ratings[number] = ratingRank(product.rating.average, product.rating.count);
    return number;
  }

  /** The number of the product that a variant belongs to. */
  productOf(variant: number): number {
    let low = 0;
    let high = this.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.firstVariant[middle] as number) <= variant) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Below 0 where the first product's id comes first. Times are compared first, because texts take longer. */
  compareIds(number: number, other: number): number {
    const byTime = (this.#times[number] as number) - (this.#times[other] as number);
    if (byTime !== 0) return byTime;
    const [a, b] = [this.ids[number] as string, this.ids[other] as string];
    return a < b ? -1 : a > b ? 1 : 0;
  }

  /** The ranks of all products in an order, see {@link Place}. */
  ranks(order: Exclude<Order, "relevance">): Float64Array {
    switch (order) {
      case "newest":
        return this.#times;
      case "name":
        return this.#nameHeads;
      case "price":
        return this.#prices;
      case "rating":
        return this.#ratings;
    }
  }

  place(order: Order, number: number, rank: number): Place {
    const name = order === "name" ? (this.names[number] as string) : "";
    return { rank, name, id: this.ids[number] as string };
  }

  #addVariants(number: number, { variants }: SearchedProduct, { inStock, stocked }: Listing): void {
    const table = this.variants;
    const first = table.length;
    const known = stocked && new Set(stocked);
    for (const it of variants) {
      this.skus.add(table.length, normalizeText(it.sku));
      table.add(it, known?.has(it.sku) ?? inStock);
    }
    const pairs = new Set<number>();
    let [isIn, lowest, highest, currency] = [false, Number.POSITIVE_INFINITY, 0, -1];
    for (let at = first; at < table.length; at++) {
      if (table.inStock[at] === 1) isIn = true;
      for (const pair of table.options.sets[table.optionSet[at] as number] ?? []) pairs.add(pair);
    }
    let best: { amount: number; code: string } | undefined;
    let offers = 0;
    for (let at = first; at < table.length; at++) {
      if (isIn && table.inStock[at] === 0) continue;
      offers++;
      const [amount, of] = [table.prices[at] as number, table.currency[at] as number];
      lowest = Math.min(lowest, amount);
      highest = Math.max(highest, amount);
      currency = currency === -1 || currency === of ? of : MIXED;
      const code = table.currencies[of] as string;
      if (!best || this.#rank(amount, code) < this.#rank(best.amount, best.code)) best = { amount, code };
    }
    this.inStock[number] = isIn ? 1 : 0;
    this.offersAll[number] = !isIn || offers === table.length - first ? 1 : 0;
    this.lowest[number] = lowest;
    this.highest[number] = highest;
    this.currency[number] = Math.min(currency < 0 ? MIXED : currency, MIXED);
    this.optionSet[number] = table.options.setOf(pairs);
    this.#prices[number] = best ? this.#rank(best.amount, best.code) : 0;
    this.firstVariant[number + 1] = table.length;
  }

  #rank(amount: number, code: string): number {
    return priceRank(amount, code === this.#shopCurrency ? "" : code);
  }

  #setOf({ own, all }: CategorySet): number {
    const key = `${own.join()} ${all.join()}`;
    const known = this.#setNumbers.get(key);
    if (known !== undefined) return known;
    this.#setNumbers.set(key, this.categorySets.length);
    return this.categorySets.push({ own: [...own], all: [...all] }) - 1;
  }

  #makeRoom(length: number): void {
    this.writes = withRoom(this.writes, length, floats);
    this.listed = withRoom(this.listed, length, bytes);
    this.published = withRoom(this.published, length, bytes);
    this.inStock = withRoom(this.inStock, length, bytes);
    this.wordsOfName = withRoom(this.wordsOfName, length, bytes);
    this.categories = withRoom(this.categories, length, wholes);
    this.optionSet = withRoom(this.optionSet, length, wholes);
    this.firstVariant = withRoom(this.firstVariant, length + 1, wholes);
    this.lowest = withRoom(this.lowest, length, floats);
    this.highest = withRoom(this.highest, length, floats);
    this.offersAll = withRoom(this.offersAll, length, bytes);
    this.currency = withRoom(this.currency, length, bytes);
    this.#times = withRoom(this.#times, length, floats);
    this.#nameHeads = withRoom(this.#nameHeads, length, floats);
    this.#ratings = withRoom(this.#ratings, length, floats);
    this.#prices = withRoom(this.#prices, length, floats);
  }
}

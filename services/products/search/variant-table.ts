/** What a search reads of each variant: columns, by its number. Variants of a product are neighbours. */
import type { Variant } from "../models/product.model.ts";
import { wordKey } from "../text/search-tokens.ts";
import { bytes, floats, wholes, withRoom } from "./columns.ts";
import { OptionValues } from "./option-values.ts";

export class VariantTable {
  readonly options = new OptionValues();
  readonly currencies: string[] = [];
  readonly #currencyNumbers = new Map<string, number>();
  length = 0;
  prices = floats(16);
  /** Which of {@link currencies}. */
  currency = wholes(16);
  inStock = bytes(16);
  /** Which set of {@link options}. */
  optionSet = wholes(16);
  /** Of the SKU. Equal ones are equal, and others differ almost surely. */
  skuHash = wholes(16);

  add({ sku, price, options }: Variant, inStock: boolean): void {
    const at = this.length;
    this.prices = withRoom(this.prices, at, floats);
    this.currency = withRoom(this.currency, at, wholes);
    this.inStock = withRoom(this.inStock, at, bytes);
    this.optionSet = withRoom(this.optionSet, at, wholes);
    this.skuHash = withRoom(this.skuHash, at, wholes);
    this.prices[at] = price.amount;
    this.currency[at] = this.#currency(price.currency);
    this.inStock[at] = inStock ? 1 : 0;
    this.optionSet[at] = this.options.add(options);
    this.skuHash[at] = skuHash(sku);
    this.length++;
  }

  /** Below 0 for one that no variant has. */
  currencyNumber(code: string): number {
    return this.#currencyNumbers.get(code) ?? -1;
  }

  #currency(code: string): number {
    const known = this.#currencyNumbers.get(code);
    if (known !== undefined) return known;
    this.#currencyNumbers.set(code, this.currencies.length);
    return this.currencies.push(code) - 1;
  }
}

const PLAIN = /^[A-Za-z0-9_.-]*$/;

/** FNV-1a over the words of the SKU, so that blanks and case make no difference. */
export function skuHash(sku: string): number {
  // Almost all SKUs are plain, and all are hashed at each start.
  const key = PLAIN.test(sku)
    ? sku
        .toLowerCase()
        .split(/[_.-]+/)
        .join(" ")
        .trim()
    : wordKey(sku);
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

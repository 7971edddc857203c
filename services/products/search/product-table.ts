/** What a search reads of each product, by its number: columns, because a search reads one field of many products. */

import type { Listing } from "../models/product.model.ts";
import { sortName } from "../text/sort-name.ts";
import type { Order, SearchedProduct } from "./product-search.ts";
import { headOf, type Place, ratingRank, timeOf } from "./sort-keys.ts";

export class ProductTable {
  readonly ids: string[] = [];
  readonly names: string[] = [];
  writes = new Float64Array(16);
  /** 0 for a product that is gone, or that has got another number. */
  listed = new Uint8Array(16);
  inStock = new Uint8Array(16);
  prices = new Float64Array(16);
  wordsOfName = new Uint8Array(16);
  /** Which of {@link categorySets}. */
  categories = new Uint32Array(16);
  /** The sets of categories that products are in. Products share them. */
  readonly categorySets: (readonly string[])[] = [];
  readonly #setNumbers = new Map<string, number>();
  #times = new Float64Array(16);
  #nameHeads = new Float64Array(16);
  #ratings = new Float64Array(16);

  /** How many numbers are given. */
  get length(): number {
    return this.ids.length;
  }

  /** @returns the product's number */
  add({ _id, writes, categoryIds, rating }: SearchedProduct, listing: Listing, wordsOfName: number): number {
    const number = this.ids.length;
    if (number === this.listed.length) this.#grow();
    const name = sortName(listing.name);
    this.ids.push(_id);
    this.names.push(name);
    this.writes[number] = writes;
    this.listed[number] = 1;
    this.inStock[number] = listing.inStock ? 1 : 0;
    this.prices[number] = listing.price;
    this.wordsOfName[number] = Math.min(wordsOfName, 255);
    this.categories[number] = this.#setOf(categoryIds);
    this.#times[number] = timeOf(_id);
    this.#nameHeads[number] = headOf(name);
    this.#ratings[number] = ratingRank(rating.average, rating.count);
    return number;
  }

  /** The ranks of all products in an order, see {@link Place}. */
  ranks(order: Exclude<Order, "relevance">): Float64Array {
    switch (order) {
      case "newest":
        return this.#times;
      case "name":
        return this.#nameHeads;
      case "price":
        return this.prices;
      case "rating":
        return this.#ratings;
    }
  }

  place(order: Order, number: number, rank: number): Place {
    const name = order === "name" ? (this.names[number] as string) : "";
    return { rank, name, id: this.ids[number] as string };
  }

  #setOf(categoryIds: readonly string[]): number {
    const key = categoryIds.join();
    const known = this.#setNumbers.get(key);
    if (known !== undefined) return known;
    this.#setNumbers.set(key, this.categorySets.length);
    return this.categorySets.push([...categoryIds]) - 1;
  }

  #grow(): void {
    const size = Math.ceil(this.listed.length * 1.5);
    this.writes = larger(this.writes, new Float64Array(size));
    this.listed = larger(this.listed, new Uint8Array(size));
    this.inStock = larger(this.inStock, new Uint8Array(size));
    this.prices = larger(this.prices, new Float64Array(size));
    this.wordsOfName = larger(this.wordsOfName, new Uint8Array(size));
    this.categories = larger(this.categories, new Uint32Array(size));
    this.#times = larger(this.#times, new Float64Array(size));
    this.#nameHeads = larger(this.#nameHeads, new Float64Array(size));
    this.#ratings = larger(this.#ratings, new Float64Array(size));
  }
}

function larger<T extends Float64Array | Uint32Array | Uint8Array>(column: T, to: T): T {
  to.set(column);
  return to;
}

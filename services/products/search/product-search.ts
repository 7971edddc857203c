/**
 * The port to a search engine: what lists, suggestions and category counts need of one. `memory-index.ts` is the one
 * there is. Another one takes its place by implementing {@link SearchEngine}; the suite in
 * `test/support/search/search-conformance.ts` says what it must do.
 */
import type { Product } from "../models/product.model.ts";

/** What an engine knows of a product. */
export type SearchedProduct = Pick<
  Product,
  "_id" | "writes" | "categoryIds" | "rating" | "variants" | "onSale" | "listing"
>;

export type Order = "relevance" | "newest" | "name" | "price" | "rating";

/** Totals up to this are exact. */
export const EXACT_TOTAL = 10_000;

/** Which products are asked for. What is undefined filters nothing. */
export interface SearchFilters {
  /**
   * What was typed. A product must have each word of it, in any form, or a word that begins so. Where no product has,
   * words that differ by one letter count too. A text without any word finds nothing.
   */
  text: string | undefined;
  /** A category, which includes those below it. */
  category: string | undefined;
  /** Whether any variant is in stock. If true, the other filters must hold for one that is. */
  inStock: boolean | undefined;
  /** Of a variant that can be had: one in stock, or any where none is. Prices of other currencies are not in it. */
  price: { currency: string; min: number; max: number } | undefined;
  /** Values by option, as they were typed. One variant must have one of the values of each. */
  options: Readonly<Record<string, readonly string[]>>;
  /** Whether customers see it. */
  published: boolean | undefined;
}

export interface SearchQuery extends SearchFilters {
  order: Order;
  descending: boolean;
  /** The key of the product after which the page begins, see sort-keys.ts. */
  after: string | undefined;
  limit: number;
}

export interface SearchResult {
  /** The page's products, in order. */
  ids: string[];
  /** `writes` of each, as the engine knows it. */
  writes: number[];
  /** The key of the page's last product, where others follow. */
  nextAfter: string | undefined;
  /** How many products match, on all pages. */
  total: number;
  /** Whether there may be more than `total`. Never up to {@link EXACT_TOTAL}. */
  isLowerBound: boolean;
  facets: Facets;
}

/**
 * What the products that were found have. The filters of the same group (price, stock, the same option) do not count:
 * so each count is what the list would have with that value in place of the present ones.
 */
export interface Facets {
  categories: ReadonlyMap<string, CategoryCount>;
  prices: readonly PriceFacet[];
  options: readonly OptionFacet[];
  stock: { inStock: number; outOfStock: number };
}

export interface CategoryCount {
  /** Products in the category itself. */
  own: number;
  /** With all below it, each once. */
  all: number;
}

/** Of variants that can be had. */
export interface PriceFacet {
  currency: string;
  min: number;
  max: number;
  /** How many products have such a price. */
  count: number;
}

export interface OptionFacet {
  name: string;
  /** The most frequent first. */
  values: readonly { value: string; count: number }[];
}

export interface SearchEngine {
  /** Takes the present state of a product. The same state again changes nothing. */
  put(product: SearchedProduct): void | Promise<void>;
  search(query: SearchQuery): SearchResult | Promise<SearchResult>;
  /** Products that customers see, in order of those of their SKUs that begin so. Never more than `limit`. */
  productsBySku(beginning: string, limit: number): string[] | Promise<string[]>;
  /** Whether a new one costs less than to keep this one. */
  readonly isWorn: boolean;
  /** Whether it can't answer any more, so that a new one must be filled. */
  readonly isLost?: boolean;
  /** Another one has taken its place. Who has it may still ask for a few seconds. */
  retire?(): void;
  /** Nobody asks any more. */
  stop?(): Promise<void>;
}

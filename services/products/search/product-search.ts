/**
 * What lists need of a search engine. `memory-index.ts` is the one there is. Another one takes its place by
 * implementing {@link ProductSearch}.
 */
import type { Product } from "../models/product.model.ts";

/** What an engine knows of a product. */
export type SearchedProduct = Pick<Product, "_id" | "writes" | "categoryIds" | "rating" | "listing">;

export type Order = "relevance" | "newest" | "name" | "price" | "rating";

export interface SearchQuery {
  /** Tokens that a product must have. None for all products. */
  tokens: readonly string[];
  /** A category, which includes those below it. */
  category: string | undefined;
  inStock: boolean | undefined;
  minPrice: number | undefined;
  maxPrice: number | undefined;
  order: Order;
  descending: boolean;
  /** The key of the product after which the page begins, see sort-keys.ts. */
  after: string | undefined;
  limit: number;
}

export interface SearchResult {
  /** The page's products, in order. */
  ids: string[];
  /** The key of the page's last product, where others follow. */
  nextAfter: string | undefined;
  /** How many products match, on all pages. */
  total: number;
  /** How many of these are in each category itself. */
  categories: ReadonlyMap<string, number>;
}

export interface ProductSearch {
  search(query: SearchQuery): SearchResult;
}

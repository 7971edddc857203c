/** Products as a search engine gets them, and queries with the usual filters. */
import { listingOf } from "../../../services/products/listing/listing.ts";
import type { Variant } from "../../../services/products/models/product.model.ts";
import type { SearchedProduct, SearchQuery } from "../../../services/products/search/product-search.ts";

export const CATEGORIES = [
  { _id: "home", name: "Home", path: ["home"] },
  { _id: "light", name: "Lighting", path: ["home", "light"] },
  { _id: "tools", name: "Tools", path: ["tools"] },
];

/** A UUIDv7 that sorts by the number. */
export const idOf = (number: number): string => `018f0000-0000-7000-8000-${String(number).padStart(12, "0")}`;

export interface Described {
  number: number;
  writes?: number;
  name: string;
  description?: string;
  categoryIds?: string[];
  rating?: { average: number; count: number };
  variants?: (Partial<Variant> & { amount?: number; currency?: string; inStock?: boolean })[];
  /** Whether customers see it; not at all once it was removed. */
  published?: boolean;
  removed?: boolean;
}

export function searched(it: Described): SearchedProduct {
  const given = it.variants ?? [{}];
  const variants = given.map(({ sku, amount = 100, currency = "USD", options = {} }, at) => ({
    sku: sku ?? `S${it.number}-${at}`,
    price: { amount, currency },
    options,
  }));
  const inStock = new Set(variants.flatMap(({ sku }, at) => ((given[at]?.inStock ?? true) ? [sku] : [])));
  const onSale = (it.published ?? true) && !it.removed;
  const product = {
    name: it.name,
    description: it.description ?? "",
    categoryIds: it.categoryIds ?? [],
    variants,
    onSale,
    draft: !onSale && !it.removed,
  };
  return {
    _id: idOf(it.number),
    writes: it.writes ?? 1,
    rating: it.rating ?? { average: 0, count: 0 },
    listing: listingOf(product, CATEGORIES, inStock),
    categoryIds: product.categoryIds,
    variants,
    onSale,
  };
}

export const query = (asked: Partial<SearchQuery> = {}): SearchQuery => ({
  text: undefined,
  category: undefined,
  inStock: undefined,
  price: undefined,
  options: {},
  published: true,
  order: asked.text === undefined ? "newest" : "relevance",
  descending: true,
  after: undefined,
  limit: 100,
  ...asked,
});

export const usd = (min: number, max: number) => ({ currency: "USD", min, max });

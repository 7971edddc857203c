/** Lists of products. The search index says which products a page has. Only these are read from the database. */
import type { z } from "zod";
import { makeCursor, readCursor } from "../../../broker/mongo/page-cursor.ts";
import type { products } from "../products.contract.ts";
import type { Order, SearchEngine, SearchFilters, SearchResult } from "../search/product-search.ts";
import { KEY_SHAPES } from "../search/sort-keys.ts";
import type { ProductRow } from "../views.ts";
import type { CategoryNames } from "./category-names.ts";
import { type FacetsView, facetsView, noFacets } from "./facets-view.ts";

export type ListParams = z.output<typeof products.actions.list.params>;
type Sort = NonNullable<ListParams["sort"]>;

export interface ProductPage {
  rows: ProductRow[];
  nextCursor: string | null;
  total: number;
  totalIsLowerBound?: true;
  facets: FacetsView;
}

export interface ListTools {
  /** As the database is now, or was a few seconds ago. */
  search(): SearchEngine | Promise<SearchEngine>;
  categories(): CategoryNames | Promise<CategoryNames>;
  /** Those of the products that are still published, or not, as asked. In this order. */
  rows(found: Pick<SearchResult, "ids" | "writes">, published: boolean): Promise<ProductRow[]>;
  /** Of the shop. */
  currency: string;
}

const ORDERS: Record<Sort, { order: Order; descending: boolean }> = {
  relevance: { order: "relevance", descending: true },
  newest: { order: "newest", descending: true },
  name: { order: "name", descending: false },
  "-name": { order: "name", descending: true },
  price: { order: "price", descending: false },
  "-price": { order: "price", descending: true },
  rating: { order: "rating", descending: true },
};

const nothing = (): ProductPage => ({ rows: [], nextCursor: null, total: 0, facets: noFacets() });

/** @throws {SoukError} VALIDATION_FAILED for a cursor of another list */
export async function listProducts(tools: ListTools, params: ListParams): Promise<ProductPage> {
  const { limit, cursor, category: asked, sort: wanted } = params;
  const filters = filtersOf(params, tools.currency);
  const sort = wanted ?? (filters.text === undefined ? "newest" : "relevance");
  const { order, descending } = ORDERS[sort];
  const identity = JSON.stringify([{ ...filters, category: asked }, sort]);
  const after = cursor === undefined ? undefined : readCursor(cursor, identity, KEY_SHAPES[order]);
  const names = await tools.categories();
  const category = asked === undefined ? undefined : names.idOf(asked);
  if (asked !== undefined && category === undefined) return nothing();

  const engine = await tools.search();
  const found = await engine.search({ ...filters, category, order, descending, after, limit });
  return {
    // A product that was taken off sale after the index was read is left out.
    rows: await tools.rows(found, filters.published ?? true),
    nextCursor: found.nextAfter === undefined ? null : makeCursor(found.nextAfter, identity),
    total: found.total,
    ...(found.isLowerBound ? { totalIsLowerBound: true as const } : {}),
    facets: facetsView(found.facets, names),
  };
}

/** A text of blanks is none. */
function filtersOf(
  { q, category, currency, minPrice, maxPrice, inStock, options = {}, published = true }: ListParams,
  shopCurrency: string,
): SearchFilters {
  const isPriced = minPrice !== undefined || maxPrice !== undefined;
  const price = {
    currency: currency ?? shopCurrency,
    min: minPrice ?? 0,
    max: maxPrice ?? Number.MAX_SAFE_INTEGER,
  };
  return {
    text: q || undefined,
    category,
    inStock,
    price: isPriced ? price : undefined,
    options: Object.fromEntries(Object.entries(options).map(([name, it]) => [name, [it].flat()])),
    published,
  };
}

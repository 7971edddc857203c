/** Lists of products. The search index says which products a page has. Only these are read from the database. */
import type { z } from "zod";
import { makeCursor, readCursor } from "../../../broker/mongo/page-cursor.ts";
import type { products } from "../products.contract.ts";
import type { Order, ProductSearch } from "../search/product-search.ts";
import { KEY_SHAPES } from "../search/sort-keys.ts";
import { queryTokens } from "../text/search-tokens.ts";
import type { ProductRow } from "../views.ts";
import type { CategoryNames } from "./category-names.ts";

export type ListParams = z.output<typeof products.actions.list.params>;
type Sort = NonNullable<ListParams["sort"]>;

export interface ProductPage {
  rows: ProductRow[];
  nextCursor: string | null;
  total?: number;
  facets?: { categories: { id: string; name: string; count: number }[] };
}

export interface ListTools {
  /** As the database is now, or was a few seconds ago. */
  search(): ProductSearch | Promise<ProductSearch>;
  categories(): CategoryNames | Promise<CategoryNames>;
  /** Those of the products that are on sale, in this order. */
  rows(ids: readonly string[]): Promise<ProductRow[]>;
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

const nothing = (): ProductPage => ({ rows: [], nextCursor: null, total: 0 });

/** @throws {SoukError} VALIDATION_FAILED for a cursor of another list */
export async function listProducts(tools: ListTools, params: ListParams): Promise<ProductPage> {
  const { limit, cursor, ...asked } = params;
  const tokens = asked.q === undefined ? [] : queryTokens(asked.q);
  const sort = asked.sort ?? (tokens.length > 0 ? "relevance" : "newest");
  const { order, descending } = ORDERS[sort];
  const { q, minPrice, maxPrice, inStock } = asked;
  const identity = JSON.stringify([q, asked.category, minPrice, maxPrice, inStock, sort]);
  const after = cursor === undefined ? undefined : readCursor(cursor, identity, KEY_SHAPES[order]);
  if (q !== undefined && tokens.length === 0) return nothing();

  const filtered = Object.entries(asked).some(([name, value]) => name !== "sort" && value !== undefined);
  const names = filtered ? await tools.categories() : undefined;
  const category = asked.category === undefined ? undefined : names?.idOf(asked.category);
  if (asked.category !== undefined && category === undefined) return nothing();
  const filters = { tokens, category, inStock, minPrice, maxPrice };
  const found = (await tools.search()).search({ ...filters, order, descending, after, limit });
  return {
    // A product that was taken off sale after the index was read is left out.
    rows: await tools.rows(found.ids),
    nextCursor: found.nextAfter === undefined ? null : makeCursor(found.nextAfter, identity),
    ...(names ? { total: found.total } : {}),
    ...(names && after === undefined ? { facets: { categories: names.facets(found.categories) } } : {}),
  };
}

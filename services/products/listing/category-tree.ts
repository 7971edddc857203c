/** The category tree with counts of the products that customers see. */

import type { SearchQuery } from "../search/product-search.ts";
import type { CategoryView } from "../views.ts";
import type { ListTools } from "./list-products.ts";

const ALL_PRODUCTS: SearchQuery = {
  text: undefined,
  category: undefined,
  inStock: undefined,
  price: undefined,
  options: {},
  published: true,
  order: "newest",
  descending: true,
  after: undefined,
  limit: 1,
};

/** The categories with what is below them, and how many products are in and below each. */
export async function withCounts(
  tools: Pick<ListTools, "search" | "categories">,
  categories: readonly CategoryView[],
): Promise<CategoryView[]> {
  const [engine, names] = await Promise.all([tools.search(), tools.categories()]);
  const { facets } = await engine.search(ALL_PRODUCTS);
  return categories.map((it) => ({
    ...it,
    count: facets.categories.get(it.id)?.all ?? 0,
    children: names.childrenOf(it.id).map(({ _id }) => _id),
  }));
}

/** The parts of the catalogue that a node caches in memory. A change clears all of it, see `mixins/cache.ts`. */
import { createSingleFlightCache } from "../../../broker/resilience/single-flight-cache.ts";
import type { CategoryNames } from "../listing/category-names.ts";
import type { ProductPage } from "../listing/list-products.ts";
import type { SuggestionView } from "../listing/suggest-products.ts";
import type { SearchEngine } from "../search/product-search.ts";
import type { ProductRow, ProductView } from "../views.ts";
import { VariantCache } from "./variant-cache.ts";

/** How long a change on another node may stay unseen when its notification is lost. */
const ROWS_TTL_MS = 5_000;
/** Complete answers. With `FRESH_MS` of availability below, numbers are up to a second old. */
const ANSWER_TTL_MS = 500;

export type ListAnswer = Omit<ProductPage, "rows"> & { items: ProductView[] };
export type CatalogueCaches = ReturnType<typeof catalogueCaches>;

/** @param isSoleWriter whether nobody but this node changes products */
export const catalogueCaches = (isSoleWriter: boolean) => ({
  pages: createSingleFlightCache<ProductPage>(ROWS_TTL_MS, 2_000),
  /** The search index, which is brought up to date when it is no longer here. */
  search: createSingleFlightCache<SearchEngine>(ROWS_TTL_MS, 1),
  categoryNames: createSingleFlightCache<CategoryNames>(ROWS_TTL_MS, 1),
  rows: createSingleFlightCache<ProductRow>(ROWS_TTL_MS, 20_000),
  listAnswers: createSingleFlightCache<ListAnswer>(ANSWER_TTL_MS, 2_000),
  productAnswers: createSingleFlightCache<ProductView>(ANSWER_TTL_MS, 20_000),
  suggestions: createSingleFlightCache<SuggestionView[]>(ROWS_TTL_MS, 2_000),
  variants: new VariantCache(isSoleWriter),
});

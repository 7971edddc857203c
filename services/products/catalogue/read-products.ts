/**
 * Reads of the catalogue, through caches in this process. Data of products is a few seconds old at most, and dropped
 * when a change is announced. Available units are never older than a second, see availability.ts.
 */
import type { Model } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import { collectionOf } from "../../../broker/mongo/documents.ts";
import { ReadGroup } from "../../../broker/mongo/read-group.ts";
import { readCategoryNames } from "../listing/category-names.ts";
import { withCounts } from "../listing/category-tree.ts";
import { type ListParams, type ListTools, listProducts, type ProductPage } from "../listing/list-products.ts";
import { type SuggestionView, suggestProducts } from "../listing/suggest-products.ts";
import type { Category } from "../models/category.model.ts";
import { isThere, type Product } from "../models/product.model.ts";
import type { FollowedProducts } from "../search/follow-products.ts";
import type { Availability } from "../stock/availability.ts";
import {
  type CategoryView,
  type ProductRow,
  type ProductView,
  ROW_FIELDS,
  rowOf,
  withAvailable,
} from "../views.ts";
import type { CatalogueCaches, ListAnswer } from "./caches.ts";
import { ListedRows } from "./listed-rows.ts";

export interface CatalogueReader {
  /** Callers with the same question may share the answer. It must not be changed. */
  list(params: ListParams): ListAnswer | Promise<ListAnswer>;
  suggest(text: string, limit: number): SuggestionView[] | Promise<SuggestionView[]>;
  /**
   * @param isStaff whether one that is not published is found too
   * @throws {SoukError} NOT_FOUND
   */
  find(idOrSlug: string, isStaff: boolean): ProductView | Promise<ProductView>;
  /** Categories with counts of their products, and what is below them. */
  counted(categories: readonly CategoryView[]): Promise<CategoryView[]>;
  /** A product as just written, with the available units. */
  view(product: Omit<Product, "changed">): Promise<ProductView>;
}

export interface ReaderTools {
  products: Model<Product>;
  categories: Model<Category>;
  availability: Availability;
  caches: CatalogueCaches;
  followed: FollowedProducts;
  /** Of the shop. */
  currency: string;
}

export function createCatalogueReader({
  products,
  categories,
  availability,
  caches,
  followed,
  currency,
}: ReaderTools): CatalogueReader {
  const { pages, rows, listAnswers, productAnswers } = caches;
  const listed = new ListedRows(
    new ReadGroup<Product>(collectionOf(products), { ...ROW_FIELDS, draft: 1, writes: 1 }),
  );
  const tools: ListTools = {
    search: () => caches.search.get("", followed.index),
    categories: () => caches.categoryNames.get("", () => readCategoryNames(categories)),
    rows: (found, published) => listed.get(found, published),
    currency,
  };

  async function complete(page: ProductPage): Promise<ListAnswer> {
    const { rows, ...rest } = page;
    const available = await availability.of(rows.flatMap((row) => row.variants.map((it) => it.sku)));
    return { items: rows.map((row) => withAvailable(row, available)), ...rest };
  }

  async function completeRow(row: ProductRow): Promise<ProductView> {
    return withAvailable(row, await availability.of(row.variants.map((it) => it.sku)));
  }

  /** Published or not, but not taken off sale. */
  async function readRow(idOrSlug: string): Promise<ProductRow> {
    const fields = { ...ROW_FIELDS, draft: 1 };
    const found =
      (await products.findOne({ _id: idOrSlug }, fields).lean<Product>()) ??
      (await products.findOne({ slug: idOrSlug }, fields).lean<Product>());
    if (!found || !isThere(found)) throw new SoukError("NOT_FOUND");
    return rowOf(found);
  }

  return {
    list(params) {
      const key = JSON.stringify(params);
      return listAnswers.get(key, async () =>
        complete(await pages.get(key, () => listProducts(tools, params))),
      );
    },
    suggest: (text, limit) =>
      caches.suggestions.get(`${limit} ${text}`, () => suggestProducts(tools, text, limit)),
    find(idOrSlug, isStaff) {
      const found = productAnswers.get(idOrSlug, async () =>
        completeRow(await rows.get(idOrSlug, () => readRow(idOrSlug))),
      );
      const visible = (view: ProductView): ProductView => {
        if (!view.published && !isStaff) throw new SoukError("NOT_FOUND");
        return view;
      };
      return found instanceof Promise ? found.then(visible) : visible(found);
    },
    counted: (found) => withCounts(tools, found),
    view: (product) => completeRow(rowOf(product)),
  };
}

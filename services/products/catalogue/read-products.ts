/**
 * Reads of the catalogue, through caches in this process. Data of products is a few seconds old at most, and dropped
 * when a change is announced. Available units are never older than a second, see availability.ts.
 */
import type { Model } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import { collectionOf } from "../../../broker/mongo/documents.ts";
import { ReadGroup } from "../../../broker/mongo/read-group.ts";
import { readCategoryNames } from "../listing/category-names.ts";
import { type ListParams, type ListTools, listProducts, type ProductPage } from "../listing/list-products.ts";
import type { Category } from "../models/category.model.ts";
import type { Product } from "../models/product.model.ts";
import type { FollowedProducts } from "../search/follow-products.ts";
import type { Availability } from "../stock/availability.ts";
import { type ProductRow, type ProductView, ROW_FIELDS, rowOf, withAvailable } from "../views.ts";
import type { CatalogueCaches, ListAnswer } from "./caches.ts";

export interface CatalogueReader {
  /** Callers with the same question may share the answer. It must not be changed. */
  list(params: ListParams): ListAnswer | Promise<ListAnswer>;
  /** @throws {SoukError} NOT_FOUND */
  find(idOrSlug: string): ProductView | Promise<ProductView>;
  /** A product as just written, with the available units. */
  view(product: Omit<Product, "changed">): Promise<ProductView>;
}

export interface ReaderTools {
  products: Model<Product>;
  categories: Model<Category>;
  availability: Availability;
  caches: CatalogueCaches;
  followed: FollowedProducts;
}

export function createCatalogueReader({
  products,
  categories,
  availability,
  caches,
  followed,
}: ReaderTools): CatalogueReader {
  const { pages, rows, listAnswers, productAnswers } = caches;
  const listed = new ReadGroup<Product>(collectionOf(products), { ...ROW_FIELDS, onSale: 1 });
  const tools: ListTools = {
    search: () => caches.search.get("", followed.index),
    categories: () => caches.categoryNames.get("", () => readCategoryNames(categories)),
    async rows(ids) {
      const found = new Map((await listed.getMany(ids)).map((it) => [it._id, it]));
      return ids.flatMap((id) => {
        const product = found.get(id);
        return product?.onSale ? [rowOf(product)] : [];
      });
    },
  };

  async function complete(page: ProductPage): Promise<ListAnswer> {
    const { rows, ...rest } = page;
    const available = await availability.of(rows.flatMap((row) => row.variants.map((it) => it.sku)));
    return { items: rows.map((row) => withAvailable(row, available)), ...rest };
  }

  async function completeRow(row: ProductRow): Promise<ProductView> {
    return withAvailable(row, await availability.of(row.variants.map((it) => it.sku)));
  }

  async function readRow(idOrSlug: string): Promise<ProductRow> {
    const found =
      (await products.findOne({ _id: idOrSlug, onSale: true }, ROW_FIELDS).lean<Product>()) ??
      (await products.findOne({ slug: idOrSlug, onSale: true }, ROW_FIELDS).lean<Product>());
    if (!found) throw new SoukError("NOT_FOUND");
    return rowOf(found);
  }

  return {
    list(params) {
      const key = JSON.stringify(params);
      return listAnswers.get(key, async () =>
        complete(await pages.get(key, () => listProducts(tools, params))),
      );
    },
    find: (idOrSlug) =>
      productAnswers.get(idOrSlug, async () =>
        completeRow(await rows.get(idOrSlug, () => readRow(idOrSlug))),
      ),
    view: (product) => completeRow(rowOf(product)),
  };
}

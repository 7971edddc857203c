/**
 * Reads of the catalogue, through caches in this process. What staff write is kept for {@link ROWS_TTL_MS} at most and
 * dropped when a change is heard of; units available are never older than a second, see availability.ts.
 */
import type { Model } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import { createReadCache } from "../cache.ts";
import { type ListParams, listProducts, type MatchSet, type ProductPage } from "../listing/list-products.ts";
import type { Category } from "../models/category.model.ts";
import type { Product } from "../models/product.model.ts";
import type { Availability } from "../stock/availability.ts";
import { type ProductRow, type ProductView, ROW_FIELDS, rowOf, withAvailable } from "../views.ts";

/** How long a change on another node may stay unseen when its notification is lost. */
export const ROWS_TTL_MS = 5_000;
/** Complete answers: with {@link FRESH_MS} of availability below, numbers are up to a second old. */
const ANSWER_TTL_MS = 500;

export type ListAnswer = Omit<ProductPage, "rows"> & { items: ProductView[] };

export interface CatalogueReader {
  /** The answer may be shared with others who asked the same: it must not be changed. */
  list(params: ListParams): ListAnswer | Promise<ListAnswer>;
  /** @throws {SoukError} NOT_FOUND */
  find(idOrSlug: string): ProductView | Promise<ProductView>;
  /** A product as just written, with the units available. */
  view(product: Product): Promise<ProductView>;
  clear(): void;
}

export interface ReaderTools {
  products: Model<Product>;
  categories: Model<Category>;
  availability: Availability;
}

export function createCatalogueReader({ products, categories, availability }: ReaderTools): CatalogueReader {
  const pages = createReadCache<ProductPage>(ROWS_TTL_MS, 2_000);
  const sets = createReadCache<MatchSet>(ROWS_TTL_MS, 50);
  const rows = createReadCache<ProductRow>(ROWS_TTL_MS, 20_000);
  const listAnswers = createReadCache<ListAnswer>(ANSWER_TTL_MS, 2_000);
  const productAnswers = createReadCache<ProductView>(ANSWER_TTL_MS, 20_000);
  const tools = { products, categories, cachedSet: sets.get };

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
    clear() {
      for (const cache of [pages, sets, rows, listAnswers, productAnswers]) cache.clear();
    },
  };
}

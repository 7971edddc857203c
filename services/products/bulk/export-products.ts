/** A page of all products, for files. */
import { trusted } from "mongoose";
import type { CatalogueModels } from "../listing/reindex-product.ts";
import type { Category } from "../models/category.model.ts";
import { isThere, type Product } from "../models/product.model.ts";
import { rowOf } from "../views.ts";

type Models = Pick<CatalogueModels, "products" | "categories">;

export interface ExportPage {
  after?: string | undefined;
  /** Only those that are older. */
  until: string;
  limit: number;
}

/**
 * By id. A page may have fewer than `limit` only where the last one is reached, so products that were taken off sale are
 * left out by the query.
 */
export async function exportProducts({ products, categories }: Models, { after, until, limit }: ExportPage) {
  const range = { $lt: until, ...(after === undefined ? {} : { $gt: after }) };
  const found = await products
    .find({ _id: trusted(range), $or: [{ onSale: true }, { draft: true }] })
    .sort({ _id: 1 })
    .limit(limit)
    .hint("_id_")
    .lean<Product[]>();
  const ids = [...new Set(found.flatMap((it) => it.categoryIds))];
  const named = await categories.find({ _id: trusted({ $in: ids }) }, { slug: 1 }).lean<Category[]>();
  const slugs = new Map(named.map((it) => [it._id, it.slug]));
  return found.filter(isThere).map((product) => {
    const { id, slug, name, description, images, published, variants } = rowOf(product);
    const own = product.categoryIds.map((it) => slugs.get(it) ?? it);
    return { id, slug, name, description, categories: own, images, published, variants };
  });
}

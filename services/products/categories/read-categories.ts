import { type Model, trusted } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import { pageOf, readCursor } from "../../../broker/mongo/page-cursor.ts";
import type { Category } from "../models/category.model.ts";
import { type CategoryView, categoryViewOf } from "../views.ts";

const QUERY = "categories";

/** Categories by name. */
export async function listCategories(
  categories: Model<Category>,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<{ items: CategoryView[]; nextCursor: string | null }> {
  const after = cursor === undefined ? {} : { byName: trusted({ $gt: readCursor(cursor, QUERY) }) };
  const found = await categories
    .find(after)
    .sort({ byName: 1 })
    .limit(limit + 1)
    .hint("by_name")
    .lean<Category[]>();
  const { shown, nextCursor } = pageOf(found, limit, QUERY, (it) => it.byName);
  return { items: shown.map(categoryViewOf), nextCursor };
}

/** @throws {SoukError} NOT_FOUND */
export async function findCategory(categories: Model<Category>, idOrSlug: string): Promise<CategoryView> {
  const found =
    (await categories.findById(idOrSlug).lean<Category>()) ??
    (await categories.findOne({ slug: idOrSlug }).lean<Category>());
  if (!found) throw new SoukError("NOT_FOUND");
  return categoryViewOf(found);
}

/** Names and slugs of all categories, for lists. */
import type { Model } from "mongoose";
import type { Category } from "../models/category.model.ts";

type Named = Pick<Category, "_id" | "name" | "slug">;

export class CategoryNames {
  readonly #byId: ReadonlyMap<string, Named>;
  readonly #bySlug: ReadonlyMap<string, Named>;

  constructor(all: readonly Named[]) {
    this.#byId = new Map(all.map((it) => [it._id, it]));
    this.#bySlug = new Map(all.map((it) => [it.slug, it]));
  }

  idOf(idOrSlug: string): string | undefined {
    return (this.#byId.get(idOrSlug) ?? this.#bySlug.get(idOrSlug))?._id;
  }

  /** Counts with names, the largest first. */
  facets(counts: ReadonlyMap<string, number>): { id: string; name: string; count: number }[] {
    const named = [...counts].flatMap(([id, count]) => {
      const category = this.#byId.get(id);
      return category ? [{ id, name: category.name, count }] : [];
    });
    return named.sort((a, b) => b.count - a.count || a.name.localeCompare(b.name));
  }
}

export const readCategoryNames = async (categories: Model<Category>): Promise<CategoryNames> =>
  new CategoryNames(await categories.find({}, { name: 1, slug: 1 }).lean<Named[]>());

/** Names and slugs of all categories, for lists and suggestions. */
import type { Model } from "mongoose";
import type { Category } from "../models/category.model.ts";
import { normalizeText, wordsIn } from "../text/normalize-text.ts";

type Named = Pick<Category, "_id" | "name" | "slug" | "parentId">;

export class CategoryNames {
  readonly #byId: ReadonlyMap<string, Named>;
  readonly #bySlug: ReadonlyMap<string, Named>;
  readonly #children = new Map<string, Named[]>();
  /** In the order of their keys, which are names from each word on. */
  #byWords: readonly { key: string; category: Named }[] | undefined;

  constructor(all: readonly Named[]) {
    this.#byId = new Map(all.map((it) => [it._id, it]));
    this.#bySlug = new Map(all.map((it) => [it.slug, it]));
    for (const it of [...all].sort((a, b) => a.name.localeCompare(b.name))) {
      const siblings = this.#children.get(it.parentId ?? "") ?? [];
      siblings.push(it);
      this.#children.set(it.parentId ?? "", siblings);
    }
  }

  /** What is directly below a category, by name. */
  childrenOf(id: string): readonly Named[] {
    return this.#children.get(id) ?? [];
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

  /** Categories whose name has these words in a row, the last of which may be a beginning. */
  beginningWith(text: string, limit: number): Named[] {
    const asked = wordsIn(normalizeText(text)).join(" ");
    if (asked === "") return [];
    this.#byWords ??= [...this.#byId.values()].flatMap(keysOf).sort((a, b) => (a.key < b.key ? -1 : 1));
    let low = 0;
    let high = this.#byWords.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#byWords[middle]?.key ?? "") < asked) low = middle + 1;
      else high = middle;
    }
    const found = new Set<Named>();
    for (let at = low; found.size < limit; at++) {
      const entry = this.#byWords[at];
      if (!entry?.key.startsWith(asked)) break;
      found.add(entry.category);
    }
    return [...found];
  }
}

function keysOf(category: Named): { key: string; category: Named }[] {
  const words = wordsIn(normalizeText(category.name));
  return words.map((_, from) => ({ key: words.slice(from).join(" "), category }));
}

export const readCategoryNames = async (categories: Model<Category>): Promise<CategoryNames> =>
  new CategoryNames(await categories.find({}, { name: 1, slug: 1, parentId: 1 }).lean<Named[]>());

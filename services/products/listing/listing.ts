/** Derives the fields that lists are read by. Pure: the same product, categories and stock give the same listing. */
import type { Category } from "../models/category.model.ts";
import type { Listing, Product } from "../models/product.model.ts";
import { clip, normalizeText } from "../text/normalize-text.ts";
import { searchTokens } from "../text/search-tokens.ts";

/** The list of the whole catalogue. */
export const EVERYTHING = "*";

type Listed = Pick<
  Product,
  "_id" | "name" | "description" | "categoryIds" | "rating" | "variants" | "onSale"
>;

/**
 * @param categories those of the product; others are ignored
 * @param inStock whether any of its variants is in stock
 */
export function listingOf(
  product: Listed,
  categories: readonly Pick<Category, "_id" | "name" | "path">[],
  inStock: boolean,
): Listing {
  const own = categories.filter((it) => product.categoryIds.includes(it._id));
  const lists = new Set([EVERYTHING, ...own.flatMap((it) => it.path)]);
  const { _id, name, description, rating, variants, onSale } = product;
  return {
    listedIn: onSale ? [...lists].flatMap((list) => [list, listKey(list, inStock)]) : [],
    searchTokens: onSale
      ? searchTokens({
          name,
          description,
          labels: [...own.map((it) => it.name), ...variants.flatMap((it) => Object.values(it.options))],
          skus: variants.map((it) => it.sku),
        })
      : [],
    inStock,
    byName: nameKey(name, _id),
    byPrice: priceKey(Math.min(...variants.map((it) => it.price.amount))) + _id,
    byRating: `${rating.average.toFixed(3)} ${String(rating.count).padStart(9, "0")} ${_id}`,
  };
}

/** The value of `listedIn` for a list. */
export const listKey = (list: string, inStock: boolean | undefined): string =>
  inStock === undefined ? list : list + (inStock ? "+" : "-");

/** Text that sorts like the amount: the lower end of a range of `byPrice`. */
export const priceKey = (amount: number): string => `${String(amount).padStart(13, "0")} `;

/** Names sort without case and accents, by their first 60 characters. */
export const nameKey = (name: string, id: string): string => `${clip(normalizeText(name), 60)}\u0001${id}`;

/** Derives what lists and searches know of a product. Pure: the same product, categories and stock give the same. */
import type { Category } from "../models/category.model.ts";
import type { Listing, Product } from "../models/product.model.ts";
import { searchText } from "../text/search-tokens.ts";

type Listed = Pick<Product, "name" | "description" | "categoryIds" | "variants" | "onSale">;

/**
 * @param categories those of the product; others are ignored
 * @param inStock whether any of its variants is in stock
 * @returns null for a product that is off sale
 */
export function listingOf(
  { name, description, categoryIds, variants, onSale }: Listed,
  categories: readonly Pick<Category, "_id" | "name" | "path">[],
  inStock: boolean,
): Listing | null {
  if (!onSale) return null;
  const own = categories.filter((it) => categoryIds.includes(it._id));
  return {
    listedIn: [...new Set(own.flatMap((it) => it.path))],
    inStock,
    price: Math.min(...variants.map((it) => it.price.amount)),
    ...searchText({
      name,
      description,
      labels: [...own.map((it) => it.name), ...variants.flatMap((it) => Object.values(it.options))],
      skus: variants.map((it) => it.sku),
    }),
  };
}

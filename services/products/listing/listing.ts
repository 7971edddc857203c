/** Derives what lists and searches know of a product. Pure: the same product, categories and stock give the same. */
import type { Category } from "../models/category.model.ts";
import { isThere, type Listing, type Product } from "../models/product.model.ts";
import { searchText } from "../text/search-tokens.ts";

type Listed = Pick<Product, "name" | "description" | "categoryIds" | "variants" | "onSale" | "draft">;

/**
 * @param categories those of the product; others are ignored
 * @param inStock SKUs that are in stock; others are ignored
 * @returns null for a product that was taken off sale
 */
export function listingOf(
  product: Listed,
  categories: readonly Pick<Category, "_id" | "name" | "path">[],
  inStock: ReadonlySet<string>,
): Listing | null {
  if (!isThere(product)) return null;
  const { name, description, categoryIds, variants } = product;
  const own = categories.filter((it) => categoryIds.includes(it._id));
  const stocked = variants.map((it) => it.sku).filter((it) => inStock.has(it));
  return {
    listedIn: [...new Set(own.flatMap((it) => it.path))],
    inStock: stocked.length > 0,
    price: Math.min(...variants.map((it) => it.price.amount)),
    stocked,
    ...searchText({
      name,
      description,
      labels: [...own.map((it) => it.name), ...variants.flatMap((it) => Object.values(it.options))],
    }),
  };
}

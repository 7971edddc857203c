/** What clients see of products and categories: fixed lists of fields. */
import type { z } from "zod";
import type { Category } from "./models/category.model.ts";
import type { Product } from "./models/product.model.ts";
import type { categoryView, productView } from "./products.contract.ts";

export type ProductView = z.input<typeof productView>;
export type CategoryView = z.input<typeof categoryView>;

/** A product as clients see it, without the available units, which change more often. */
export type ProductRow = Omit<ProductView, "variants"> & {
  variants: Omit<ProductView["variants"][number], "available">[];
};

/** Fields of a document that a {@link ProductRow} is made of. */
export const ROW_FIELDS = {
  slug: 1,
  name: 1,
  description: 1,
  categoryIds: 1,
  images: 1,
  rating: 1,
  variants: 1,
  onSale: 1,
  version: 1,
  ext: 1,
} as const;

export const rowOf = (product: Pick<Product, "_id" | keyof typeof ROW_FIELDS>): ProductRow => ({
  id: product._id,
  slug: product.slug,
  name: product.name,
  description: product.description,
  categoryIds: product.categoryIds,
  images: product.images,
  rating: { average: product.rating.average, count: product.rating.count },
  variants: product.variants.map(({ sku, price, options }) => ({
    sku,
    price: { amount: price.amount, currency: price.currency },
    options,
  })),
  published: product.onSale,
  version: product.version,
  ...(product.ext && { ext: product.ext }),
});

export const withAvailable = (row: ProductRow, available: ReadonlyMap<string, number>): ProductView => ({
  ...row,
  variants: row.variants.map((it) => ({ ...it, available: available.get(it.sku) ?? 0 })),
});

export const categoryViewOf = ({ _id, name, slug, parentId, version }: Category): CategoryView => ({
  id: _id,
  name,
  slug,
  parentId,
  version,
});

/**
 * Updates a product's listing from its categories and stock. Call it after a change of one of these. Of overlapping
 * runs, the one that began last decides. Each writes, changed or not, on the condition that nothing was written since
 * it read. So an older reading can't be written last.
 */
import { type Model, trusted } from "mongoose";
import type { Category } from "../models/category.model.ts";
import type { Listing, Product } from "../models/product.model.ts";
import type { StockLevel } from "../models/stock-level.model.ts";
import { listingOf } from "./listing.ts";

export interface CatalogueModels {
  products: Model<Product>;
  categories: Model<Category>;
  stockLevels: Model<StockLevel>;
}

/** Does nothing when the product no longer exists. */
export async function reindexProduct(models: CatalogueModels, productId: string): Promise<void> {
  for (;;) {
    const product = await models.products.findById(productId).lean<Product>();
    if (!product) return;
    const listing = await presentListing(models, product);
    const { matchedCount } = await models.products.updateOne(
      { _id: productId, writes: product.writes },
      { $set: listing, $inc: { writes: 1 } },
    );
    if (matchedCount === 1) return;
  }
}

/** The present listing of a product with these fields. */
export async function presentListing(
  { categories, stockLevels }: Omit<CatalogueModels, "products">,
  product: Parameters<typeof listingOf>[0],
): Promise<Listing> {
  const [own, stocked] = await Promise.all([
    product.categoryIds.length === 0
      ? []
      : categories.find({ _id: trusted({ $in: product.categoryIds }) }).lean<Category[]>(),
    stockLevels.exists({ _id: trusted({ $in: product.variants.map((it) => it.sku) }), inStock: true }),
  ]);
  return listingOf(product, own, stocked !== null);
}

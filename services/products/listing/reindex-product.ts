/**
 * Updates a product's listing from its categories and stock. Call it after a change of one of these. Of overlapping
 * runs, the one that began last decides. Each writes, changed or not, on the condition that nothing was written since
 * it read. So an older reading can't be written last.
 */
import type { Model } from "mongoose";
import { collectionOf } from "../../../broker/mongo/documents.ts";
import { readGroup } from "../../../broker/mongo/read-group.ts";
import type { Category } from "../models/category.model.ts";
import type { Listing, Product } from "../models/product.model.ts";
import type { StockLevel } from "../models/stock-level.model.ts";
import { listingOf } from "./listing.ts";

export interface CatalogueModels {
  products: Model<Product>;
  categories: Model<Category>;
  stockLevels: Model<StockLevel>;
}

/** Does nothing when there is no such product. */
export async function reindexProduct(
  models: CatalogueModels,
  which: { _id: string } | { "variants.sku": string },
): Promise<void> {
  for (;;) {
    const product = await models.products.findOne(which).lean<Product>();
    if (!product) return;
    const listing = await presentListing(models, product);
    // Not grouped: totals don't tell whether it matched, and two that both try again could do so for ever.
    const { matchedCount } = await models.products.updateOne(
      { _id: product._id, writes: product.writes },
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
  const [own, levels] = await Promise.all([
    readGroup<Category>(collectionOf(categories)).getMany(product.categoryIds),
    readGroup<StockLevel>(collectionOf(stockLevels)).getMany(product.variants.map((it) => it.sku)),
  ]);
  return listingOf(
    product,
    own,
    levels.some((it) => it.inStock),
  );
}

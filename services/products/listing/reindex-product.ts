/**
 * Updates a product's listing from its categories and stock. Call it after a change of one of these. Of overlapping
 * runs, the one that began last decides. Each writes, changed or not, on the condition that nothing was written since
 * it read. So an older reading can't be written last.
 */
import type { Model } from "mongoose";
import { type Product, STAMP } from "../models/product.model.ts";
import { type ListingModels, presentListing } from "./present-listings.ts";

export interface CatalogueModels extends ListingModels {
  products: Model<Product>;
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
      { $set: { listing }, $inc: { writes: 1 }, ...STAMP },
    );
    if (matchedCount === 1) return;
  }
}

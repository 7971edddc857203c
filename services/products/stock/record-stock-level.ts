/** Keeps `inStock` of products from what inventory says. Messages may come late, twice, or before the product. */
import { type Model, trusted } from "mongoose";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import { type CatalogueModels, reindexProduct } from "../listing/reindex-product.ts";
import type { Product } from "../models/product.model.ts";
import type { StockLevel } from "../models/stock-level.model.ts";

/** @param level `revision` orders the messages of one SKU; an older one than is known changes nothing */
export async function recordStockLevel(
  models: CatalogueModels,
  { _id, revision, inStock }: StockLevel,
): Promise<void> {
  try {
    await models.stockLevels.updateOne(
      { _id, revision: trusted({ $lt: revision }) },
      { $set: { revision, inStock } },
      { upsert: true },
    );
  } catch (error) {
    // The filter misses on an SKU whose level is as new or newer, so the upsert meets its _id.
    if (!isDuplicateKey(error)) throw error;
  }
  // Also after a repeated message: the first may have been recorded by a node that died before it came to this.
  const product = await productWith(models.products, _id);
  if (product) await reindexProduct(models, product._id);
}

const productWith = (products: Model<Product>, sku: string) =>
  products.findOne({ "variants.sku": sku }, { _id: 1 }).lean<Pick<Product, "_id">>();

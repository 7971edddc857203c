/** Updates `inStock` of products from inventory's messages. They may come late, repeatedly, or before the product. */
import { type Model, trusted } from "mongoose";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import { type CatalogueModels, reindexProduct } from "../listing/reindex-product.ts";
import type { Product } from "../models/product.model.ts";
import type { StockLevel } from "../models/stock-level.model.ts";

/** @param level `revision` orders the messages of one SKU; an older one changes nothing */
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
    // The filter does not match an SKU whose level is as new or newer. Then the upsert fails on its _id.
    if (!isDuplicateKey(error)) throw error;
  }
  // Also after a repeated message: its first delivery may have crashed before this step.
  const product = await productWith(models.products, _id);
  if (product) await reindexProduct(models, product._id);
}

const productWith = (products: Model<Product>, sku: string) =>
  products.findOne({ "variants.sku": sku }, { _id: 1 }).lean<Pick<Product, "_id">>();

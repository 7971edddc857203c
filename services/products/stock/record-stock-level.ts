/** Updates `inStock` of products from inventory's messages. They may come late, repeatedly, or before the product. */
import { collectionOf } from "../../../broker/mongo/documents.ts";
import { writeGroup } from "../../../broker/mongo/write-group.ts";
import { type CatalogueModels, reindexProduct } from "../listing/reindex-product.ts";
import type { StockLevel } from "../models/stock-level.model.ts";

/** @param level `revision` orders the messages of one SKU; an older one changes nothing */
export async function recordStockLevel(models: CatalogueModels, level: StockLevel): Promise<void> {
  const { _id, revision, inStock } = level;
  const writes = writeGroup(collectionOf(models.stockLevels));
  const ifOlder = () => writes.update({ _id, revision: { $lt: revision } }, { $set: { revision, inStock } });
  // Without an older level there is none yet, or one that is as new. Two messages may both be the first.
  if (!(await ifOlder()) && !(await writes.insertNew(level))) await ifOlder();
  // Also after a repeated message: its first delivery may have crashed before this step.
  await reindexProduct(models, { "variants.sku": _id });
}

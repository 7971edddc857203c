/**
 * A change of stock or of a category between their read and the insert of a product did not find that product. So the
 * listings are made again after the insert. One that is the same needs no write: whoever changes stock or a category from
 * now on finds the product.
 */
import { isDeepStrictEqual } from "node:util";
import { collectionOf } from "../../../broker/mongo/documents.ts";
import { presentListings } from "../listing/present-listings.ts";
import { type CatalogueModels, reindexProduct } from "../listing/reindex-product.ts";

export async function relistImported(
  models: CatalogueModels,
  written: readonly { readonly _id: string }[],
): Promise<void> {
  if (written.length === 0) return;
  const ids = written.map((it) => it._id);
  const stored = await collectionOf(models.products)
    .find({ _id: { $in: ids } })
    .toArray();
  const listings = await presentListings(models, stored);
  for (const [at, { _id, listing }] of stored.entries())
    if (!isDeepStrictEqual(listing, listings[at])) await reindexProduct(models, { _id });
}

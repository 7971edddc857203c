/** Listings from the present categories and stock. */
import type { Model } from "mongoose";
import { collectionOf } from "../../../broker/mongo/documents.ts";
import { readGroup } from "../../../broker/mongo/read-group.ts";
import type { Category } from "../models/category.model.ts";
import type { Listing } from "../models/product.model.ts";
import type { StockLevel } from "../models/stock-level.model.ts";
import { listingOf } from "./listing.ts";

export interface ListingModels {
  categories: Model<Category>;
  stockLevels: Model<StockLevel>;
}

type Listed = Parameters<typeof listingOf>[0];

/** The present listing of a product with these fields. */
export async function presentListing(models: ListingModels, product: Listed): Promise<Listing | null> {
  const [listing = null] = await presentListings(models, [product]);
  return listing;
}

/** The same for several products, in their order. */
export async function presentListings(
  { categories, stockLevels }: ListingModels,
  products: readonly Listed[],
): Promise<(Listing | null)[]> {
  const categoryIds = [...new Set(products.flatMap((it) => it.categoryIds))];
  const skus = products.flatMap((it) => it.variants.map(({ sku }) => sku));
  const [own, levels] = await Promise.all([
    readGroup<Category>(collectionOf(categories)).getMany(categoryIds),
    readGroup<StockLevel>(collectionOf(stockLevels)).getMany(skus),
  ]);
  const inStock = new Set(levels.filter((it) => it.inStock).map((it) => it._id));
  return products.map((it) => listingOf(it, own, inStock));
}

import type { Connection } from "mongoose";
import { trusted } from "mongoose";
import { collectionOf, type Documents } from "../../../broker/mongo/documents.ts";
import type { Migration } from "../../../broker/mongo/migrations.ts";
import { presentListings } from "../listing/present-listings.ts";
import { categoryModel } from "../models/category.model.ts";
import { CHANGED_INDEX, type Listing, type Product, productModel, STAMP } from "../models/product.model.ts";
import { stockLevelModel } from "../models/stock-level.model.ts";
import { eachToken } from "../text/search-tokens.ts";
import { nameKey } from "../text/sort-name.ts";

const PAGE = 500;
/** Fields and indexes of lists before the search index. */
const FORMER = ["listedIn", "searchTokens", "inStock", "byName", "byPrice", "byRating"];
const FORMER_INDEXES = [
  { name: "listed_newest", key: { listedIn: 1, _id: 1 } },
  { name: "listed_by_name", key: { listedIn: 1, byName: 1 } },
  { name: "listed_by_price", key: { listedIn: 1, byPrice: 1 } },
  { name: "listed_by_rating", key: { listedIn: 1, byRating: 1 } },
  { name: "search", key: { searchTokens: 1, _id: 1 } },
] as const;

/**
 * Products get what the search index of a node is filled from, and the time of their last write. Their indexes for
 * lists go. Done again, it begins where it ended.
 */
const migration: Migration = {
  async up(db, renew) {
    const products = db.collection("products");
    const there = new Set((await products.indexes()).map((it) => it.name));
    for (const { name } of FORMER_INDEXES) if (there.has(name)) await products.dropIndex(name);
    await products.createIndex({ changed: 1 }, { name: CHANGED_INDEX });
    const models = { categories: categoryModel.bind(db), stockLevels: stockLevelModel.bind(db) };
    await eachPage(db, renew, { changed: null }, async (page) => {
      const listings = await presentListings(models, page);
      return page.map((_, at) => ({
        $set: { listing: listings[at] },
        $unset: Object.fromEntries(FORMER.map((name) => [name, 1])),
        ...STAMP,
      }));
    });
  },
  async down(db, renew) {
    const products = db.collection("products");
    await eachPage(db, renew, { changed: trusted({ $ne: null }) }, async (page) =>
      page.map((product) => ({ $set: formerListing(product), $unset: { listing: 1, changed: 1 } })),
    );
    await products.dropIndex(CHANGED_INDEX);
    await products.createIndexes([...FORMER_INDEXES]);
  },
};

/** Updates all products that match, again and again until a pass finds none: others may write meanwhile. */
async function eachPage(
  db: Connection,
  renew: () => Promise<void>,
  filter: object,
  updatesOf: (page: Product[]) => Promise<object[]>,
): Promise<void> {
  const model = productModel.bind(db);
  const documents: Documents<Product> = collectionOf(model);
  for (let after = ""; ; ) {
    await renew();
    const page = await model
      .find({ ...filter, _id: trusted({ $gt: after }) })
      .sort({ _id: 1 })
      .limit(PAGE)
      .hint("_id_")
      .lean<Product[]>();
    const last = page.at(-1);
    if (!last && after === "") return;
    const updates = await updatesOf(page);
    const operations = page.map(({ _id, writes }, at) => ({
      updateOne: { filter: { _id, writes }, update: { ...updates[at], $inc: { writes: 1 } } },
    }));
    if (operations.length > 0) await documents.bulkWrite(operations, { ordered: false });
    after = last?._id ?? "";
  }
}

/** What lists were read by before. */
function formerListing({ _id, name, variants, listing, rating }: Product): object {
  const price = Math.min(...variants.map((it) => it.price.amount));
  return {
    listedIn: listedIn(listing),
    searchTokens: tokensOf(listing),
    inStock: listing?.inStock ?? false,
    byName: nameKey(name, _id),
    byPrice: `${String(price).padStart(13, "0")} ${_id}`,
    byRating: `${rating.average.toFixed(3)} ${String(rating.count).padStart(9, "0")} ${_id}`,
  };
}

function listedIn(listing: Listing | null): string[] {
  if (!listing) return [];
  return ["*", ...listing.listedIn].flatMap((list) => [list, list + (listing.inStock ? "+" : "-")]);
}

function tokensOf(listing: Listing | null): string[] {
  const tokens = new Set<string>();
  if (listing) eachToken(listing, (token) => tokens.add(token));
  return [...tokens];
}

export default migration;

import { trusted } from "mongoose";
import type { Migration } from "../../../broker/mongo/migrations.ts";
import { presentListings } from "../listing/present-listings.ts";
import { rewriteProducts } from "../listing/rewrite-products.ts";
import { categoryModel } from "../models/category.model.ts";
import { CHANGED_INDEX, type Listing, type Product, STAMP } from "../models/product.model.ts";
import { stockLevelModel } from "../models/stock-level.model.ts";
import { words } from "../text/normalize-text.ts";
import { nameKey } from "../text/sort-name.ts";

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
    await rewriteProducts(db, renew, { changed: null }, async (page) => {
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
    await rewriteProducts(db, renew, { changed: trusted({ $ne: null }) }, async (page) =>
      page.map((product) => ({ $set: formerListing(product), $unset: { listing: 1, changed: 1 } })),
    );
    await products.dropIndex(CHANGED_INDEX);
    await products.createIndexes([...FORMER_INDEXES]);
  },
};

/** What lists were read by before. */
function formerListing({ _id, name, variants, listing, rating }: Product): object {
  const price = Math.min(...variants.map((it) => it.price.amount));
  return {
    listedIn: listedIn(listing),
    searchTokens: listing ? tokensOf(listing, variants) : [],
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

const MAX_TOKENS = 400;
const MAX_TOKEN_LENGTH = 12;

/** Words and beginnings of them. */
function tokensOf(listing: Listing, variants: Product["variants"]): string[] {
  const clipped = (text: string) => words(text).map((it) => it.slice(0, MAX_TOKEN_LENGTH).toWellFormed());
  const beginnings = (word: string, from: number) =>
    Array.from({ length: Math.max(0, word.length - from) }, (_, at) => word.slice(0, from + at));
  const tokens = new Set([
    ...clipped(listing.name).flatMap((it) => [it, ...beginnings(it, 2)]),
    ...clipped(listing.labels).flatMap((it) => [it, ...beginnings(it, 4)]),
    ...clipped(`${variants.map((it) => it.sku).join(" ")} ${listing.words}`),
  ]);
  return [...tokens].slice(0, MAX_TOKENS);
}

export default migration;

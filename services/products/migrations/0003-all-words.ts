import { trusted } from "mongoose";
import type { Migration } from "../../../broker/mongo/migrations.ts";
import { presentListings } from "../listing/present-listings.ts";
import { rewriteProducts } from "../listing/rewrite-products.ts";
import { categoryModel } from "../models/category.model.ts";
import { STAMP } from "../models/product.model.ts";
import { stockLevelModel } from "../models/stock-level.model.ts";

/**
 * Listings get all words of a product, and which of its SKUs are in stock. Before, they had the first words only. Done
 * again, it begins where it ended.
 */
const migration: Migration = {
  async up(db, renew) {
    const models = { categories: categoryModel.bind(db), stockLevels: stockLevelModel.bind(db) };
    const former = { listing: trusted({ $ne: null }), "listing.stocked": null };
    await rewriteProducts(db, renew, former, async (page) => {
      const listings = await presentListings(models, page);
      return page.map((_, at) => ({ $set: { listing: listings[at] }, ...STAMP }));
    });
  },
  /** An earlier version reads what a listing has more than it knows. */
  async down(db, renew) {
    const present = { "listing.stocked": trusted({ $ne: null }) };
    await rewriteProducts(db, renew, present, async (page) =>
      page.map(() => ({ $unset: { "listing.stocked": 1 }, ...STAMP })),
    );
  },
};

export default migration;

import type { Migration } from "../../../broker/mongo/migrations.ts";

/** For lists. The next migration replaces them. */
const LISTS = ["listed_newest", "listed_by_name", "listed_by_price", "listed_by_rating", "search"];

/** Unique guards, and one index for each sort order of lists. */
const migration: Migration = {
  async up(db) {
    await db.collection("products").createIndexes([
      { name: "slug", key: { slug: 1 }, unique: true },
      // Between products. The contract checks that the SKUs of one product differ.
      { name: "sku", key: { "variants.sku": 1 }, unique: true },
      { name: "category", key: { categoryIds: 1, _id: 1 } },
      { name: "listed_newest", key: { listedIn: 1, _id: 1 } },
      { name: "listed_by_name", key: { listedIn: 1, byName: 1 } },
      { name: "listed_by_price", key: { listedIn: 1, byPrice: 1 } },
      { name: "listed_by_rating", key: { listedIn: 1, byRating: 1 } },
      { name: "search", key: { searchTokens: 1, _id: 1 } },
    ]);
    await db.collection("categories").createIndexes([
      { name: "slug", key: { slug: 1 }, unique: true },
      { name: "by_name", key: { byName: 1 } },
      { name: "parent", key: { parentId: 1 } },
      { name: "path", key: { path: 1 } },
      { name: "relist", key: { relist: 1 }, sparse: true },
    ]);
  },
  async down(db) {
    for (const name of ["slug", "sku", "category", ...LISTS]) await db.collection("products").dropIndex(name);
    for (const name of ["slug", "by_name", "parent", "path", "relist"])
      await db.collection("categories").dropIndex(name);
  },
};

export default migration;

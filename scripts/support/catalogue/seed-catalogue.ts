/** Writes the demo catalogue and its stock. A repeated run adds what is missing and changes nothing else. */
import { type Connection, type Model, trusted } from "mongoose";
import { collectionOf } from "../../../broker/mongo/documents.ts";
import { serverTime } from "../../../broker/mongo/server-time.ts";
import { seedStock } from "../../../services/inventory/seed-stock.ts";
import { listingOf } from "../../../services/products/listing/listing.ts";
import { type Category, categoryModel } from "../../../services/products/models/category.model.ts";
import { type Product, productModel } from "../../../services/products/models/product.model.ts";
import { stockLevelModel } from "../../../services/products/models/stock-level.model.ts";
import { type DemoProduct, demoCategories, demoProduct } from "./demo-products.ts";

/** Documents per write: enough to share its cost, few enough that a running shop answers in between. */
const BATCH = 200;
/** One batch is made while the database writes the other. */
const LANES = 2;

export interface SeedOptions {
  /** Database of the products service, migrated. */
  products: Connection;
  /** Database of the inventory service, migrated. */
  inventory: Connection;
  /** How many products the demo catalogue has. */
  count: number;
  /** ISO 4217 code of all prices. */
  currency: string;
  /** Called after each batch. */
  onProgress?: (done: number, total: number) => void;
}

export interface SeedResult {
  /** How many were added. */
  products: number;
  stockItems: number;
}

export async function seedCatalogue(options: SeedOptions): Promise<SeedResult> {
  const { products, inventory, count, currency, onProgress } = options;
  const categories = await seedCategories(categoryModel.bind(products));
  const idsByName = new Map(categories.map((it) => [it.name, it._id]));
  const result: SeedResult = { products: 0, stockItems: 0 };
  const starts = batchStarts(count);
  let done = 0;

  /** One batch after the other, of those that no other lane has taken. */
  async function lane(): Promise<void> {
    for (const from of starts) {
      const size = Math.min(BATCH, count - from);
      const batch = Array.from({ length: size }, (_, at) => demoProduct(from + at, currency, idsByName));
      // Stock first, so that a visible product has stock, also after an interruption.
      const items = batch.flatMap((it) => it.variants.map(({ sku, onHand }) => ({ sku, onHand })));
      const stocked = await seedStock(inventory, items);
      await seedStockLevels(products, items);
      const added = await seedProducts(productModel.bind(products), batch, categories);
      result.stockItems += stocked;
      result.products += added;
      done += size;
      onProgress?.(done, count);
    }
  }

  await Promise.all(Array.from({ length: LANES }, lane));
  return result;
}

function* batchStarts(count: number): Generator<number, void> {
  for (let from = 0; from < count; from += BATCH) yield from;
}

/** Whether the shop has no products at all, on sale or not. */
export const isEmptyCatalogue = async (products: Connection): Promise<boolean> =>
  (await productModel.bind(products).exists({})) === null;

/** @returns the categories as they are in the shop, where staff may have renamed or moved them */
async function seedCategories(model: Model<Category>): Promise<Category[]> {
  const wanted = demoCategories();
  await model.bulkWrite(
    wanted.map(({ _id, ...fields }) => ({
      updateOne: { filter: { _id }, update: { $setOnInsert: fields }, upsert: true },
    })),
  );
  const found = await model.find({ _id: trusted({ $in: wanted.map((it) => it._id) }) }).lean<Category[]>();
  // By the names that the demo products use.
  return wanted.map((it) => ({ ...(found.find(({ _id }) => _id === it._id) ?? it), name: it.name }));
}

async function seedStockLevels(
  products: Connection,
  items: readonly { sku: string; onHand: number }[],
): Promise<void> {
  await collectionOf(stockLevelModel.bind(products)).bulkWrite(
    items.map(({ sku, onHand }) => ({
      updateOne: {
        filter: { _id: sku },
        update: { $setOnInsert: { revision: 0, inStock: onHand > 0 } },
        upsert: true,
      },
    })),
    { ordered: false },
  );
}

async function seedProducts(
  model: Model<Product>,
  batch: readonly DemoProduct[],
  categories: readonly Category[],
): Promise<number> {
  const there = await model
    .find({ _id: trusted({ $in: batch.map((it) => it._id) }) }, { _id: 1 })
    .lean<Pick<Product, "_id">[]>();
  const known = new Set(there.map((it) => it._id));
  const changed = await serverTime(model.db);
  const missing = batch.filter((it) => !known.has(it._id)).map((it) => documentOf(it, categories, changed));
  // This file made them, so mongoose need not look at each again.
  if (missing.length > 0) await collectionOf(model).insertMany(missing, { ordered: false });
  return missing.length;
}

function documentOf(demo: DemoProduct, categories: readonly Category[], changed: Date): Product {
  const fields = {
    ...demo,
    variants: demo.variants.map(({ onHand: _, ...variant }) => variant),
    rating: { average: 0, count: 0 },
    onSale: true,
    version: 1,
    writes: 1,
    updatedAt: demo.createdAt,
    changed,
  };
  const inStock = new Set(demo.variants.filter((it) => it.onHand > 0).map((it) => it.sku));
  return { ...fields, listing: listingOf(fields, categories, inStock) };
}

/**
 * Products of a file: at most 200 of them in one write. Each product remembers the last records that were written to it,
 * so a write that is repeated after a crash changes nothing.
 */
import { MongoBulkWriteError } from "mongodb";
import { trusted } from "mongoose";
import { collectionOf } from "../../../broker/mongo/documents.ts";
import { DUPLICATE_KEY } from "../../../broker/mongo/duplicate-key.ts";
import { unknownCategory, withCategories } from "../catalogue/category-references.ts";
import type { CatalogueTools } from "../catalogue/write-product.ts";
import { presentListings } from "../listing/present-listings.ts";
import type { Category } from "../models/category.model.ts";
import { type Product, STAMP } from "../models/product.model.ts";
import type { ImportResult } from "../products.contract.ts";
import { type ImportItem, type Known, keyOf, type PlannedProduct, planImport } from "./plan-import.ts";
import { relistImported } from "./relist-imported.ts";

/** Others may write the same products meanwhile. */
const ATTEMPTS = 5;

export interface ImportRequest {
  job: string;
  dryRun: boolean;
  items: readonly ImportItem[];
}

/** @returns what became of each item, in their order */
export async function importProducts(
  tools: CatalogueTools,
  { job, dryRun, items }: ImportRequest,
): Promise<ImportResult[]> {
  const results = new Map<number, ImportResult>();
  let open = items;
  for (let attempt = 1; open.length > 0; attempt++) {
    const plan = planImport(job, open, await readKnown(tools, open));
    for (const it of plan.results) results.set(it.line, it);
    if (dryRun || plan.writes.length === 0) break;
    const lost = await writePlanned(tools, plan.writes);
    const keys = new Set(lost.flatMap((it) => it.keys.map(({ key }) => key)));
    open = open.filter((it) => keys.has(keyOf(job, it.line)));
    if (attempt === ATTEMPTS)
      for (const { line } of open) results.set(line, { line, outcome: "failed", errors: [CONTENDED] });
    if (attempt === ATTEMPTS) break;
  }
  return items.flatMap(({ line }) => results.get(line) ?? []);
}

const CONTENDED = {
  field: "slug",
  message: "others change the product, or one with its slug or SKU, at the moment",
};

async function readKnown(
  { products, categories }: CatalogueTools,
  items: readonly ImportItem[],
): Promise<Known> {
  const slugs = items.flatMap(({ product }) => product.slug ?? []);
  const skus = items.flatMap(({ product }) => product.variants?.map((it) => it.sku) ?? []);
  const names = [...new Set(items.flatMap(({ product }) => product.categories ?? []))];
  const own = collectionOf(products);
  const [bySlug, bySku, found] = await Promise.all([
    slugs.length > 0 ? own.find({ slug: { $in: slugs } }).toArray() : [],
    skus.length > 0 ? own.find({ "variants.sku": { $in: skus } }).toArray() : [],
    names.length > 0
      ? categories
          .find({ $or: [{ _id: trusted({ $in: names }) }, { slug: trusted({ $in: names }) }] }, { slug: 1 })
          .lean<Category[]>()
      : [],
  ]);
  return {
    products: [...new Map([...bySlug, ...bySku].map((it) => [it._id, it])).values()],
    categories: new Map(found.flatMap(({ _id, slug }) => [[slug, _id] as const, [_id, _id] as const])),
  };
}

/** @returns those that were not written, because others wrote first */
async function writePlanned(
  tools: CatalogueTools,
  planned: readonly PlannedProduct[],
): Promise<PlannedProduct[]> {
  const categoryIds = [...new Set(planned.flatMap((it) => it.after.categoryIds))];
  const written = await withCategories(tools, categoryIds, unknownCategory, async () => {
    const listings = await presentListings(
      tools,
      planned.map((it) => it.after),
    );
    const now = new Date(tools.clock.now());
    const operations = planned.map((it, at) => writeOf(it, listings[at] ?? null, now));
    return writeAll(tools, planned, operations);
  });
  await relistImported(tools, written);
  const done = new Set(written.map((it) => it._id));
  return planned.filter((it) => !done.has(it._id));
}

function writeOf({ _id, before, after, keys }: PlannedProduct, listing: Product["listing"], now: Date) {
  const fields = { ...contentOf(after), imports: keys, listing, updatedAt: now };
  if (!before) {
    const created = { rating: { average: 0, count: 0 }, version: 1, writes: 1, createdAt: now };
    return {
      updateOne: {
        filter: { _id },
        update: { $setOnInsert: { ...fields, ...created }, ...STAMP },
        upsert: true,
      },
    };
  }
  return {
    updateOne: {
      filter: { _id, writes: before.writes },
      update: { $set: { ...fields, version: before.version + 1, writes: before.writes + 1 }, ...STAMP },
    },
  };
}

const contentOf = ({
  slug,
  name,
  description,
  categoryIds,
  images,
  variants,
  onSale,
  draft = false,
}: PlannedProduct["after"]) => ({ slug, name, description, categoryIds, images, variants, onSale, draft });

/** Totals do not tell which of them took effect, so they are looked at where not all did. */
async function writeAll(
  { products }: CatalogueTools,
  planned: readonly PlannedProduct[],
  operations: readonly ReturnType<typeof writeOf>[],
): Promise<PlannedProduct[]> {
  const own = collectionOf(products);
  try {
    const { matchedCount, upsertedCount } = await own.bulkWrite([...operations], { ordered: false });
    if (matchedCount + upsertedCount === planned.length) return [...planned];
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError) || error.code !== DUPLICATE_KEY) throw error;
  }
  const ids = planned.map((it) => it._id);
  const stored = await own.find({ _id: { $in: ids } }, { projection: { imports: 1 } }).toArray();
  const last = new Map(stored.map((it) => [it._id, new Set(it.imports?.map(({ key }) => key))]));
  return planned.filter((it) => it.keys.every(({ key }) => last.get(it._id)?.has(key)));
}

/** Changes of products by staff. Unique indexes guard slugs and SKUs. `version` guards against lost updates. */

import { SoukError } from "../../../broker/contract/errors.ts";
import { type Ext, mergedExt } from "../../../broker/contract/fields.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { collectionOf } from "../../../broker/mongo/documents.ts";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import { presentListing } from "../listing/present-listings.ts";
import { type CatalogueModels, reindexProduct } from "../listing/reindex-product.ts";
import { isThere, type Product, STAMP } from "../models/product.model.ts";
import { RESERVED_SLUGS, slugOf, withSuffix } from "../text/slug.ts";
import { unknownCategory, withCategories } from "./category-references.ts";

export type CatalogueTools = CatalogueModels & { clock: Clock };

/** The database stamps it. */
type Written = Omit<Product, "changed">;
type Content = Pick<Product, "name" | "description" | "categoryIds" | "images" | "variants">;
export type ProductInput = Content & {
  slug?: string | undefined;
  /** Whether customers see it. */
  published?: boolean | undefined;
  ext?: Ext | undefined;
};
export type ProductChanges = { [K in keyof ProductInput]?: ProductInput[K] | undefined };

const SLUG_ATTEMPTS = 5;

/**
 * Adds a product. Without a slug, one is made from its name, with a suffix if it is in use.
 * @throws {SoukError} SLUG_TAKEN, SKU_TAKEN; VALIDATION_FAILED for a category that does not exist
 */
export async function createProduct(
  tools: CatalogueTools,
  { slug, ...input }: ProductInput,
): Promise<Written> {
  const content = { ...input, categoryIds: unique(input.categoryIds) };
  const product = await withCategories(tools, content.categoryIds, unknownCategory, async () => {
    const base = slug ?? slugOf(content.name, "product");
    const isFree = !RESERVED_SLUGS.has(base);
    if (slug !== undefined && !isFree) throw new SoukError("SLUG_TAKEN");
    for (let attempt = isFree ? 0 : 1; ; attempt++)
      try {
        return await insert(tools, content, attempt === 0 ? base : withSuffix(base));
      } catch (error) {
        const another = slug === undefined && attempt < SLUG_ATTEMPTS && isDuplicateKey(error, "slug");
        if (!another) throw taken(error);
      }
  });
  // A change of its categories or stock between their read and the insert did not find this product.
  await reindexProduct(tools, { _id: product._id });
  return product;
}

async function insert(
  tools: CatalogueTools,
  { ext, published = true, ...content }: Omit<ProductInput, "slug">,
  slug: string,
): Promise<Written> {
  const now = new Date(tools.clock.now());
  const fields = {
    _id: newId(),
    slug,
    ...content,
    ...(ext && { ext }),
    rating: { average: 0, count: 0 },
    ...visibility(published),
    version: 1,
    writes: 1,
    createdAt: now,
    updatedAt: now,
  };
  const product = { ...fields, listing: await presentListing(tools, fields) };
  const { _id, ...inserted } = product;
  await collectionOf(tools.products).updateOne(
    { _id },
    { $setOnInsert: inserted, ...STAMP },
    { upsert: true },
  );
  return product;
}

/**
 * Changes the given fields. Without a new slug the present one stays, so that links to the product keep working.
 * @param ifMatch version that the change was made for
 * @throws {SoukError} NOT_FOUND, VERSION_MISMATCH, SLUG_TAKEN, SKU_TAKEN; VALIDATION_FAILED for an unknown category
 */
export async function changeProduct(
  tools: CatalogueTools,
  id: string,
  ifMatch: number | undefined,
  given: ProductChanges,
): Promise<Written> {
  const { published, ...changes } = present(given);
  if (changes.slug !== undefined && RESERVED_SLUGS.has(changes.slug)) throw new SoukError("SLUG_TAKEN");
  const product = await withCategories(tools, changes.categoryIds ?? [], unknownCategory, () =>
    write(tools, id, ifMatch, (before) => ({
      ...before,
      ...changes,
      ...(published === undefined ? {} : visibility(published)),
      ...mergedExt(before.ext, changes.ext),
    })),
  );
  // Stock and categories are read before the write, and a draft's may have changed unseen.
  if (changes.categoryIds || changes.variants || published !== undefined)
    await reindexProduct(tools, { _id: id });
  return product;
}

/**
 * Takes a product off sale. It is in no list and can't be bought or read, and its categories may be removed. Its slug
 * and SKUs stay in use, so that old orders and links never get another meaning.
 * @throws {SoukError} NOT_FOUND, VERSION_MISMATCH
 */
export async function removeProduct(
  tools: CatalogueTools,
  id: string,
  ifMatch: number | undefined,
): Promise<void> {
  await write(tools, id, ifMatch, (before) => ({ ...before, onSale: false, draft: false, categoryIds: [] }));
}

async function write(
  tools: CatalogueTools,
  id: string,
  ifMatch: number | undefined,
  change: (before: Product) => Product,
): Promise<Written> {
  for (;;) {
    const before = await tools.products.findOne({ _id: id }).lean<Product>();
    if (!before || !isThere(before)) throw new SoukError("NOT_FOUND");
    if (ifMatch !== undefined && ifMatch !== before.version) throw new SoukError("VERSION_MISMATCH");
    const changed = change(before);
    const after: Product = {
      ...changed,
      listing: await presentListing(tools, changed),
      version: before.version + 1,
      writes: before.writes + 1,
      updatedAt: new Date(tools.clock.now()),
    };
    const { _id, createdAt: _created, rating: _rating, changed: _changed, ...fields } = after;
    try {
      const filter = { _id, writes: before.writes };
      const { matchedCount } = await tools.products.updateOne(filter, { $set: fields, ...STAMP });
      if (matchedCount === 1) return after;
    } catch (error) {
      throw taken(error);
    }
  }
}

const visibility = (published: boolean): Pick<Product, "onSale" | "draft"> => ({
  onSale: published,
  draft: !published,
});

function present({ categoryIds, ...given }: ProductChanges): Partial<ProductInput> {
  const changes = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { ...changes, ...(categoryIds ? { categoryIds: unique(categoryIds) } : {}) };
}

function taken(error: unknown): unknown {
  if (isDuplicateKey(error, "slug")) return new SoukError("SLUG_TAKEN");
  if (isDuplicateKey(error, "sku")) return new SoukError("SKU_TAKEN");
  return error;
}

const unique = (ids: readonly string[]): string[] => [...new Set(ids)];

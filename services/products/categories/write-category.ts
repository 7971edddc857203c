/** Changes of categories by staff. The tree has no cycles, no orphans, and at most {@link MAX_DEPTH} levels. */
import { type Model, trusted } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import { isClaimed, withCategories } from "../catalogue/category-references.ts";
import type { CatalogueTools } from "../catalogue/write-product.ts";
import { type Category, MAX_DEPTH } from "../models/category.model.ts";
import { slugOf, withSuffix } from "../text/slug.ts";
import { nameKey } from "../text/sort-name.ts";
import { type LockTools, withTreeLock } from "./tree-lock.ts";

export interface CategoryInput {
  name: string;
  slug?: string | undefined;
  parentId: string | null;
}

export type CategoryTools = CatalogueTools & LockTools;

const SLUG_ATTEMPTS = 5;

const noParent = () => new SoukError("NOT_FOUND", "There is no such parent category.");
const isInUse = () => new SoukError("CATEGORY_IN_USE");

/** @throws {SoukError} SLUG_TAKEN; NOT_FOUND for a parent that does not exist; CONFLICT for too deep a tree */
export function createCategory(
  tools: CategoryTools,
  { name, slug, parentId }: CategoryInput,
): Promise<Category> {
  // The claim prevents removal of the parent. The lock prevents its move.
  return withTreeLock(tools, () =>
    withCategories(tools, parentId ? [parentId] : [], noParent, async ([parent]) => {
      const id = newId();
      const category = {
        _id: id,
        name,
        parentId,
        path: pathBelow(parent, id),
        byName: nameKey(name, id),
        version: 1,
        uses: 0,
        claims: {},
      };
      const base = slug ?? slugOf(name, "category");
      for (let attempt = 0; ; attempt++)
        try {
          const complete = { ...category, slug: attempt === 0 ? base : withSuffix(base) };
          await tools.categories.create(complete);
          return complete;
        } catch (error) {
          if (!isDuplicateKey(error, "slug")) throw error;
          if (slug !== undefined || attempt === SLUG_ATTEMPTS) throw new SoukError("SLUG_TAKEN");
        }
    }),
  );
}

/**
 * Renames or moves a category. Where the listings of products below change, the category is marked `relist`: see
 * {@link reindexBelow}.
 * @throws {SoukError} NOT_FOUND, VERSION_MISMATCH, SLUG_TAKEN; CONFLICT for a cycle or too deep a tree
 */
export function replaceCategory(
  tools: CategoryTools,
  id: string,
  ifMatch: number | undefined,
  { name, slug, parentId }: CategoryInput,
): Promise<Category> {
  return withTreeLock(tools, (renew) =>
    withCategories(tools, parentId ? [parentId] : [], noParent, async ([parent]) => {
      const before = await tools.categories.findById(id).lean<Category>();
      if (!before) throw new SoukError("NOT_FOUND");
      if (ifMatch !== undefined && ifMatch !== before.version) throw new SoukError("VERSION_MISMATCH");
      if (parent?.path.includes(id))
        throw new SoukError("CONFLICT", "A category can't be moved below itself.");
      const path = pathBelow(parent, id);
      const below = await tools.categories.find({ path: id, _id: trusted({ $ne: id }) }).lean<Category[]>();
      const deepest = Math.max(0, ...below.map((it) => it.path.length - before.path.length));
      if (path.length + deepest > MAX_DEPTH) throw tooDeep();

      const changed = name !== before.name || parentId !== before.parentId;
      const fields = {
        name,
        slug: slug ?? before.slug,
        parentId,
        path,
        byName: nameKey(name, id),
        version: before.version + 1,
        ...(changed ? { relist: true as const } : {}),
      };
      await setFields(tools.categories, before, fields);
      if (parentId !== before.parentId) {
        await renew();
        await movePaths(tools.categories, below, before.path, path);
      }
      return { ...before, ...fields };
    }),
  );
}

async function setFields(
  categories: Model<Category>,
  { _id, version }: Category,
  fields: Partial<Category>,
): Promise<void> {
  try {
    const { matchedCount } = await categories.updateOne({ _id, version }, { $set: fields });
    // All changes except removal hold the lock.
    if (matchedCount === 0) throw new SoukError("NOT_FOUND");
  } catch (error) {
    if (isDuplicateKey(error, "slug")) throw new SoukError("SLUG_TAKEN");
    throw error;
  }
}

async function movePaths(
  categories: Model<Category>,
  below: readonly Category[],
  from: readonly string[],
  to: readonly string[],
): Promise<void> {
  if (below.length === 0) return;
  await categories.bulkWrite(
    below.map((it) => ({
      updateOne: {
        filter: { _id: it._id },
        update: { $set: { path: [...to, ...it.path.slice(from.length)] } },
      },
    })),
  );
}

/**
 * Removes a category that nothing refers to. catalogue/category-references.ts prevents new references meanwhile.
 * @throws {SoukError} NOT_FOUND, VERSION_MISMATCH, CATEGORY_IN_USE
 */
export async function removeCategory(
  tools: CategoryTools,
  id: string,
  ifMatch: number | undefined,
): Promise<void> {
  const category = await tools.categories.findById(id).lean<Category>();
  if (!category) throw new SoukError("NOT_FOUND");
  const { version, uses } = category;
  if (ifMatch !== undefined && ifMatch !== version) throw new SoukError("VERSION_MISMATCH");
  if (isClaimed(category, tools.clock.now())) throw isInUse();
  const [product, child] = await Promise.all([
    tools.products.exists({ categoryIds: id }),
    tools.categories.exists({ parentId: id }),
  ]);
  if (product || child) throw isInUse();
  const { deletedCount } = await tools.categories.deleteOne({ _id: id, version, uses });
  if (deletedCount === 1) return;
  const now = await tools.categories.findById(id).lean<Category>();
  if (!now) throw new SoukError("NOT_FOUND");
  throw now.version === version ? isInUse() : new SoukError("VERSION_MISMATCH");
}

function pathBelow(parent: Category | undefined, id: string): string[] {
  const path = [...(parent?.path ?? []), id];
  if (path.length > MAX_DEPTH) throw tooDeep();
  return path;
}

const tooDeep = () => new SoukError("CONFLICT", `Categories go at most ${MAX_DEPTH} levels deep.`);

/**
 * Updates the listing of products below renamed or moved categories. After a crash it continues, because the mark
 * stays until the end.
 */
import { trusted } from "mongoose";
import { reindexProduct } from "../listing/reindex-product.ts";
import type { Category } from "../models/category.model.ts";
import type { Product } from "../models/product.model.ts";
import { withTreeLock } from "./tree-lock.ts";
import type { CategoryTools } from "./write-category.ts";

const CHUNK = 100;

/** Updates the listing below every marked category, unless stopped. Resolves with the number of products. */
export async function reindexBelowMarked(tools: CategoryTools, signal: AbortSignal): Promise<number> {
  let reindexed = 0;
  for (;;) {
    const marked = await tools.categories.findOne({ relist: true }).lean<Category>();
    if (!marked || signal.aborted) return reindexed;
    reindexed += await reindexBelow(tools, marked, signal);
  }
}

async function reindexBelow(tools: CategoryTools, marked: Category, signal: AbortSignal): Promise<number> {
  // An interrupted move has left old paths below.
  const subtree = await withTreeLock(tools, () => repairPaths(tools, marked._id));
  let reindexed = 0;
  for (let after = ""; ; ) {
    const chunk = await tools.products
      .find({ categoryIds: trusted({ $in: subtree }), _id: trusted({ $gt: after }) }, { _id: 1 })
      .sort({ _id: 1 })
      .limit(CHUNK)
      .lean<Pick<Product, "_id">[]>();
    for (const { _id } of chunk) await reindexProduct(tools, { _id });
    reindexed += chunk.length;
    if (signal.aborted) return reindexed;
    const last = chunk.at(-1);
    if (!last) break;
    after = last._id;
  }
  // A change made meanwhile has another version, and its mark stays.
  await tools.categories.updateOne({ _id: marked._id, version: marked.version }, { $unset: { relist: 1 } });
  return reindexed;
}

/** Derives all paths below from the parents. @returns the ids of the category and all below */
async function repairPaths({ categories }: CategoryTools, id: string): Promise<string[]> {
  const top = await categories.findById(id).lean<Category>();
  const ids: string[] = [];
  for (let level = top ? [top] : []; level.length > 0; ) {
    ids.push(...level.map((it) => it._id));
    const paths = new Map(level.map((it) => [it._id, it.path]));
    const children = await categories
      .find({ parentId: trusted({ $in: [...paths.keys()] }) })
      .lean<Category[]>();
    const mended = children.map((it) => ({ ...it, path: [...(paths.get(it.parentId ?? "") ?? []), it._id] }));
    const wrong = mended.filter((it, at) => it.path.join() !== children[at]?.path.join());
    for (const { _id, path } of wrong) await categories.updateOne({ _id }, { $set: { path } });
    level = mended;
  }
  return ids;
}

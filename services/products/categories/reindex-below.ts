/** Lists the products below renamed or moved categories anew; goes on after a crash, because the mark stays until done. */
import { trusted } from "mongoose";
import { reindexProduct } from "../listing/reindex-product.ts";
import type { Category } from "../models/category.model.ts";
import type { Product } from "../models/product.model.ts";
import { withTreeLock } from "./tree-lock.ts";
import type { CategoryTools } from "./write-category.ts";

const CHUNK = 100;

/** Relists below every category that is marked, unless stopped. Resolves with how many products were. */
export async function reindexBelowMarked(tools: CategoryTools, signal: AbortSignal): Promise<number> {
  let reindexed = 0;
  for (;;) {
    const marked = await tools.categories.findOne({ relist: true }).lean<Category>();
    if (!marked || signal.aborted) return reindexed;
    reindexed += await reindexBelow(tools, marked, signal);
  }
}

async function reindexBelow(tools: CategoryTools, marked: Category, signal: AbortSignal): Promise<number> {
  // A move that died half-way has left paths of its old place below.
  const subtree = await withTreeLock(tools, () => mendPaths(tools, marked._id));
  let reindexed = 0;
  for (let after = ""; ; ) {
    const chunk = await tools.products
      .find({ categoryIds: trusted({ $in: subtree }), _id: trusted({ $gt: after }) }, { _id: 1 })
      .sort({ _id: 1 })
      .limit(CHUNK)
      .lean<Pick<Product, "_id">[]>();
    for (const { _id } of chunk) await reindexProduct(tools, _id);
    reindexed += chunk.length;
    if (signal.aborted) return reindexed;
    const last = chunk.at(-1);
    if (!last) break;
    after = last._id;
  }
  // A change that came meanwhile has another version, and its mark stays.
  await tools.categories.updateOne({ _id: marked._id, version: marked.version }, { $unset: { relist: 1 } });
  return reindexed;
}

/** Makes all paths below follow from the parents. @returns the ids of the category and all below */
async function mendPaths({ categories }: CategoryTools, id: string): Promise<string[]> {
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

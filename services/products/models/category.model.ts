/** Categories: a tree, each with its path from the root. */
import { Schema } from "mongoose";
import { defineModel } from "../../../broker/mongo/model.ts";

export interface Category {
  _id: string;
  name: string;
  slug: string;
  parentId: string | null;
  /** Ids from the root to this one, inclusive. */
  path: string[];
  /** Normalized name and id: the sort key of lists. */
  byName: string;
  version: number;
  /** Counts the writers that have claimed it, see catalogue/category-references.ts. */
  uses: number;
  /** Writers that are about to refer to it, each with the expiry of its claim. */
  claims: Record<string, Date>;
  /** Set with a new name or parent, until all products below are updated. */
  relist?: true;
}

/** A bound, because paths are copied into each product. */
export const MAX_DEPTH = 8;

const schema = new Schema<Category>(
  {
    _id: { type: String, required: true },
    name: { type: String, required: true },
    slug: { type: String, required: true },
    parentId: { type: String, default: null },
    path: { type: [String], required: true },
    byName: { type: String, required: true },
    version: { type: Number, required: true },
    uses: { type: Number, required: true },
    claims: { type: Schema.Types.Mixed, default: {} },
    relist: Boolean,
  },
  { versionKey: false, minimize: false },
);

export const categoryModel = defineModel<Category>("categories", schema);

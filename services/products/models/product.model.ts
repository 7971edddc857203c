/** Products with their variants. Each write derives the {@link Listing} that lists need, see listing.ts. */
import { Schema } from "mongoose";
import type { Ext } from "../../../broker/contract/fields.ts";
import type { Money } from "../../../broker/contract/schemas.ts";
import { defineModel } from "../../../broker/mongo/model.ts";

export interface Variant {
  sku: string;
  price: Money;
  options: Record<string, string>;
}

/** Derived from the product, its categories and stock. Every list is a range of an index on these fields. */
export interface Listing {
  /**
   * The lists that show the product: `*` for the whole catalogue, and the ids of its categories and their ancestors.
   * Each appears also with a suffix: `+` (in stock) or `-` (out of stock). Empty when it is off sale.
   */
  listedIn: string[];
  searchTokens: string[];
  inStock: boolean;
  /** Sort keys, made unique by the id at the end. `newest` is `_id`. */
  byName: string;
  byPrice: string;
  byRating: string;
}

export interface Product extends Listing {
  _id: string;
  slug: string;
  name: string;
  description: string;
  categoryIds: string[];
  images: string[];
  rating: { average: number; count: number };
  variants: Variant[];
  /** A product taken off sale stays, so that its slug and SKUs are not reused. */
  onSale: boolean;
  /** Fields of extensions. */
  ext?: Ext;
  /** Counts changes by staff. It is the ETag. */
  version: number;
  /** Counts all writes, also those of derived fields. Each write requires the expected number. */
  writes: number;
  createdAt: Date;
  updatedAt: Date;
}

const variant = new Schema<Variant>(
  {
    sku: { type: String, required: true },
    price: { amount: { type: Number, required: true }, currency: { type: String, required: true } },
    options: { type: Schema.Types.Mixed, default: {} },
  },
  { _id: false, minimize: false },
);

const schema = new Schema<Product>(
  {
    _id: { type: String, required: true },
    slug: { type: String, required: true },
    name: { type: String, required: true },
    description: { type: String, default: "" },
    categoryIds: { type: [String], required: true },
    images: { type: [String], required: true },
    rating: { average: { type: Number, required: true }, count: { type: Number, required: true } },
    variants: { type: [variant], required: true },
    onSale: { type: Boolean, required: true },
    ext: { type: Schema.Types.Mixed, default: undefined },
    version: { type: Number, required: true },
    writes: { type: Number, required: true },
    createdAt: { type: Date, required: true },
    updatedAt: { type: Date, required: true },
    listedIn: { type: [String], required: true },
    searchTokens: { type: [String], required: true },
    inStock: { type: Boolean, required: true },
    byName: { type: String, required: true },
    byPrice: { type: String, required: true },
    byRating: { type: String, required: true },
  },
  { versionKey: false, minimize: false },
);

export const productModel = defineModel<Product>("products", schema);

/** Names of the indexes for lists. Queries name theirs, so that none falls back to a scan. */
export const INDEX = {
  newest: "listed_newest",
  byName: "listed_by_name",
  byPrice: "listed_by_price",
  byRating: "listed_by_rating",
  search: "search",
} as const;

/** Products with their variants. Each write derives their {@link Listing}, see listing.ts. */
import { Schema } from "mongoose";
import type { Ext } from "../../../broker/contract/fields.ts";
import type { Money } from "../../../broker/contract/schemas.ts";
import { defineModel } from "../../../broker/mongo/model.ts";
import type { SearchText } from "../text/search-tokens.ts";

export interface Variant {
  sku: string;
  price: Money;
  options: Record<string, string>;
}

/** Derived from the product, its categories and stock: what lists and searches know of it. */
export interface Listing extends SearchText {
  /** Its categories and all above them. */
  listedIn: string[];
  /** Whether any of its variants is in stock. */
  inStock: boolean;
  /** The lowest of its variants, in minor units. */
  price: number;
  /** SKUs that are in stock. Unknown where an earlier version wrote it: then `inStock` holds for all. */
  stocked?: string[];
}

export interface ImportedRecord {
  /** Id of the import, and the line. */
  key: string;
  created: boolean;
}

export interface Product {
  _id: string;
  slug: string;
  name: string;
  description: string;
  categoryIds: string[];
  images: string[];
  /** Of published reviews, as the reviews service has counted them. `revision` orders its messages. */
  rating: { average: number; count: number; revision?: number };
  variants: Variant[];
  /** Whether customers see it. A product taken off sale stays, so that its slug and SKUs are not reused. */
  onSale: boolean;
  /** Not on sale yet, or not at present: staff see it. Missing for what is on sale, and for what was taken off. */
  draft?: boolean;
  /** Fields of extensions. */
  ext?: Ext;
  /** Records of files that were written to it last. A repeated write of one of them changes nothing. */
  imports?: ImportedRecord[];
  /** Counts changes by staff. It is the ETag. */
  version: number;
  /** Counts all writes, also those of derived fields. Each write requires the expected number. */
  writes: number;
  /** When it was written last, by the database's clock. Searches follow it, see search/follow-products.ts. */
  changed: Date;
  /** Null when it was taken off sale. */
  listing: Listing | null;
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

const listing = new Schema<Listing>(
  {
    listedIn: { type: [String], required: true },
    inStock: { type: Boolean, required: true },
    price: { type: Number, required: true },
    stocked: { type: [String], default: undefined },
    name: String,
    labels: String,
    words: String,
  },
  { _id: false },
);

const schema = new Schema<Product>(
  {
    _id: { type: String, required: true },
    slug: { type: String, required: true },
    name: { type: String, required: true },
    description: { type: String, default: "" },
    categoryIds: { type: [String], required: true },
    images: { type: [String], required: true },
    rating: {
      average: { type: Number, required: true },
      count: { type: Number, required: true },
      revision: Number,
    },
    variants: { type: [variant], required: true },
    onSale: { type: Boolean, required: true },
    draft: Boolean,
    ext: { type: Schema.Types.Mixed, default: undefined },
    imports: { type: [{ key: String, created: Boolean, _id: false }], default: undefined },
    version: { type: Number, required: true },
    writes: { type: Number, required: true },
    createdAt: { type: Date, required: true },
    updatedAt: { type: Date, required: true },
    changed: { type: Date, required: true },
    listing: { type: listing, default: null },
  },
  { versionKey: false, minimize: false },
);

export const productModel = defineModel<Product>("products", schema);

/** Whether it was not taken off sale. Staff see it then. */
export const isThere = ({ onSale, draft }: Pick<Product, "onSale" | "draft">): boolean =>
  onSale || draft === true;

/** The index by `changed`. */
export const CHANGED_INDEX = "changed";

/** Part of every update of products. */
export const STAMP = { $currentDate: { changed: true } } as const;

/** The last level that inventory reported for each SKU, whether or not a product has it yet. */
import { Schema } from "mongoose";
import { defineModel } from "../../../broker/mongo/model.ts";

export interface StockLevel {
  /** SKU. */
  _id: string;
  /** Revision of its message. Older messages change nothing. */
  revision: number;
  inStock: boolean;
}

const schema = new Schema<StockLevel>(
  {
    _id: { type: String, required: true },
    revision: { type: Number, required: true },
    inStock: { type: Boolean, required: true },
  },
  { versionKey: false },
);

export const stockLevelModel = defineModel<StockLevel>("stock_levels", schema);

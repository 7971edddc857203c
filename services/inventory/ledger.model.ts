/** The ledger of stock: every change of units on hand, append-only. Its sum per SKU is the stock on hand. */
import { Schema } from "mongoose";
import { defineModel } from "../../broker/mongo/model.ts";

export interface LedgerEntry {
  /** Id of the `stock.moved` message, so that a repeated message is entered once. */
  _id: string;
  sku: string;
  delta: number;
  onHand: number;
  reason: string;
  orderId: string | null;
  by: string | null;
  at: Date;
}

const schema = new Schema<LedgerEntry>(
  {
    _id: { type: String, required: true },
    sku: { type: String, required: true },
    delta: { type: Number, required: true },
    onHand: { type: Number, required: true },
    reason: { type: String, required: true },
    orderId: { type: String, default: null },
    by: { type: String, default: null },
    at: { type: Date, required: true },
  },
  { versionKey: false },
);

export const ledgerModel = defineModel<LedgerEntry>("ledger", schema);

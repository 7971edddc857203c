/** The ledger of payments: append-only transactions. A mistake is corrected by another transaction. */
import { Schema } from "mongoose";
import { defineModel } from "../../../broker/mongo/model.ts";
import type { Transaction } from "./transaction.ts";

const entry = new Schema({ account: String, amount: Number }, { _id: false, id: false });

const schema = new Schema<Transaction>(
  {
    _id: { type: String, required: true },
    kind: { type: String, required: true },
    paymentId: { type: String, required: true },
    orderId: { type: String, required: true },
    provider: { type: String, required: true },
    currency: { type: String, required: true },
    entries: { type: [entry], required: true },
    reference: { type: String, default: null },
    at: { type: String, required: true },
  },
  { versionKey: false },
);

export const ledgerModel = defineModel<Transaction>("ledger", schema);

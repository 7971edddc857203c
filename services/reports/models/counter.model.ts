/** Counters, and the batch that is being counted. */
import { Schema } from "mongoose";
import { defineModel } from "../../../broker/mongo/model.ts";
import type { Addition, Dimensions, Field } from "../order/contribution.ts";

export interface Counter extends Dimensions, Partial<Record<Field, number>> {
  /** Generation and key. */
  _id: string;
  generation: number;
  name?: string;
  /** The batch that was added last. */
  seq: number;
}

/** What a batch adds. It is stored before it is added, so that a crash between two counters is finished later. */
export interface Batch {
  /** The generation. */
  _id: string;
  seq: number;
  isOpen: boolean;
  additions: (Addition & { key: string })[];
  records: { id: string; rev: number; counted: string[] }[];
}

const counterSchema = new Schema<Counter>(
  {
    _id: { type: String, required: true },
    generation: { type: Number, required: true },
    kind: { type: String, required: true },
    day: String,
    currency: String,
    productId: String,
    country: String,
    other: String,
    name: String,
    orders: Number,
    units: Number,
    gross: Number,
    tax: Number,
    refunds: Number,
    captured: Number,
    refunded: Number,
    placed: Number,
    paid: Number,
    together: Number,
    seq: { type: Number, required: true },
  },
  { versionKey: false },
);
const batchSchema = new Schema<Batch>(
  {
    _id: { type: String, required: true },
    seq: { type: Number, required: true },
    isOpen: { type: Boolean, required: true },
    additions: { type: Schema.Types.Mixed, required: true },
    records: { type: Schema.Types.Mixed, required: true },
  },
  { versionKey: false },
);

export const counterModel = defineModel<Counter>("counters", counterSchema);
export const batchModel = defineModel<Batch>("batches", batchSchema);

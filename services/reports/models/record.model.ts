/** Records of orders and stock-outs, of each generation of the reports. */
import { Schema } from "mongoose";
import { defineModel } from "../../../broker/mongo/model.ts";
import type { OrderParts } from "../order/order-record.ts";

export interface OrderRecord extends OrderParts {
  /** Generation and id of the order. */
  _id: string;
  generation: number;
  /** Counts parts. */
  rev: number;
  /** The generation, while there are parts that the counters do not have. */
  dirty?: number;
  /** Paths of the parts that the counters have. */
  counted: string[];
  /** The batch that counted last. */
  seq: number;
}

export interface StockOutRecord {
  /** Generation, SKU and revision. */
  _id: string;
  generation: number;
  sku: string;
  from?: string;
  until?: string;
}

const mixed = { type: Schema.Types.Mixed, default: undefined };

const orderSchema = new Schema<OrderRecord>(
  {
    _id: { type: String, required: true },
    generation: { type: Number, required: true },
    rev: { type: Number, required: true },
    dirty: Number,
    counted: { type: [String], required: true },
    seq: { type: Number, required: true },
    placed: mixed,
    paid: mixed,
    captures: mixed,
    refunds: mixed,
  },
  { versionKey: false },
);
const stockOutSchema = new Schema<StockOutRecord>(
  {
    _id: { type: String, required: true },
    generation: { type: Number, required: true },
    sku: { type: String, required: true },
    from: String,
    until: String,
  },
  { versionKey: false },
);

export const orderRecordModel = defineModel<OrderRecord>("order_records", orderSchema);
export const stockOutModel = defineModel<StockOutRecord>("stock_outs", stockOutSchema);

export const recordId = (generation: number, id: string): string => `${generation}/${id}`;

/** The parts of a record, by their paths. */
export function pathsOf({ placed, paid, captures = {}, refunds = {} }: OrderParts): string[] {
  return [
    ...(placed ? ["placed"] : []),
    ...(paid ? ["paid"] : []),
    ...Object.keys(captures).map((it) => `captures.${it}`),
    ...Object.keys(refunds).map((it) => `refunds.${it}`),
  ];
}

/** A record with some of its parts only. */
export function partsAt(record: OrderParts, paths: ReadonlySet<string>): OrderParts {
  const some = <T>(name: string, all: Record<string, T> = {}) =>
    Object.fromEntries(Object.entries(all).filter(([id]) => paths.has(`${name}.${id}`)));
  return {
    ...(record.placed && paths.has("placed") && { placed: record.placed }),
    ...(record.paid && paths.has("paid") && { paid: record.paid }),
    captures: some("captures", record.captures),
    refunds: some("refunds", record.refunds),
  };
}

/** The collections of the reports. */
import type { Model } from "mongoose";
import type { Batch, Counter } from "./counter.model.ts";
import type { Generations } from "./generations.model.ts";
import type { OrderRecord, StockOutRecord } from "./record.model.ts";

export interface ReportModels {
  orders: Model<OrderRecord>;
  stockOuts: Model<StockOutRecord>;
  counters: Model<Counter>;
  batches: Model<Batch>;
  generations: Model<Generations>;
}

/** Times in which nothing of a SKU was available, the latest first. */
import { type Model, type QueryFilter, trusted } from "mongoose";
import { pageOf, readCursor } from "../../../broker/mongo/page-cursor.ts";
import type { StockOutRecord } from "../models/record.model.ts";
import type { Asked } from "./read-sales.ts";

const TIME_AND_ID = /^[0-9TZ:.-]{20,30} \d+\/.{1,90}$/u;

/** @param startOf the time at which a day begins */
export async function listStockOuts(
  stockOuts: Model<StockOutRecord>,
  generation: number,
  { from, to, limit, cursor }: Asked,
  startOf: (day: string) => string,
) {
  const list = `stock-outs ${from} ${to}`;
  const begins = startOf(from);
  const ends = startOf(nextDay(to));
  const found = await stockOuts
    .find({ generation, ...range(begins, ends, cursor && readCursor(cursor, list, TIME_AND_ID)) })
    .sort({ from: -1, _id: -1 })
    .limit(limit + 1)
    .lean<(StockOutRecord & { from: string })[]>();
  const { shown, nextCursor } = pageOf(found, limit, list, (it) => `${it.from} ${it._id}`);
  return { items: shown.map(({ sku, from, until = null }) => ({ sku, from, until })), nextCursor };
}

function range(begins: string, ends: string, after: string | undefined): QueryFilter<StockOutRecord> {
  if (after === undefined) return { from: trusted({ $gte: begins, $lt: ends }) };
  const at = after.indexOf(" ");
  const [from, _id] = [after.slice(0, at), after.slice(at + 1)];
  return { $or: [{ from: trusted({ $gte: begins, $lt: from }) }, { from, _id: trusted({ $lt: _id }) }] };
}

const nextDay = (day: string): string => new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);

/** How many orders of each day were placed, and how many were paid. */
import { type Model, trusted } from "mongoose";
import { pageOf, readCursor } from "../../../broker/mongo/page-cursor.ts";
import type { Counter } from "../models/counter.model.ts";
import type { Asked } from "./read-sales.ts";

const DAY = /^\d{4}-\d\d-\d\d$/;

export async function readConversion(
  counters: Model<Counter>,
  generation: number,
  { from, to, limit, cursor }: Asked,
) {
  const list = `conversion ${from} ${to}`;
  const begin = cursor === undefined ? { $gte: from } : { $gt: readCursor(cursor, list, DAY) };
  const found = await counters
    .find({ generation, kind: "conversion", day: trusted({ ...begin, $lte: to }) })
    .sort({ day: 1 })
    .limit(limit + 1)
    .lean<Counter[]>();
  const { shown, nextCursor } = pageOf(found, limit, list, (it) => it.day ?? "");
  const items = shown.map(({ day = "", placed = 0, paid = 0 }) => ({ day, placed, paid }));
  return { items, nextCursor };
}

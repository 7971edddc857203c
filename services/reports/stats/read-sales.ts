/** Sales of a period, from the counters. Sums over a period read one counter per day and product, or country. */
import { type Model, type PipelineStage, trusted } from "mongoose";
import { makeCursor, pageOf, readCursor } from "../../../broker/mongo/page-cursor.ts";
import type { Counter } from "../models/counter.model.ts";
import type { SalesRow } from "../reports.schemas.ts";

export interface Asked {
  from: string;
  to: string;
  limit: number;
  cursor?: string | undefined;
}

interface Rows {
  items: SalesRow[];
  nextCursor: string | null;
}

const MAX_TIME_MS = 10_000;
const DAY_AND_CURRENCY = /^\d{4}-\d\d-\d\d [A-Z]{3}$/;

export async function salesByDay(
  counters: Model<Counter>,
  generation: number,
  { from, to, limit, cursor }: Asked,
): Promise<Rows> {
  const list = `sales by day ${from} ${to}`;
  const [day = "", currency = ""] =
    cursor === undefined ? [] : readCursor(cursor, list, DAY_AND_CURRENCY).split(" ");
  const after = [{ day, currency: trusted({ $gt: currency }) }, { day: trusted({ $gt: day, $lte: to }) }];
  const found = await counters
    .find({
      generation,
      kind: "day",
      ...(cursor === undefined ? { day: trusted({ $gte: from, $lte: to }) } : { $or: after }),
    })
    .sort({ day: 1, currency: 1 })
    .limit(limit + 1)
    .lean<Counter[]>();
  const { shown, nextCursor } = pageOf(found, limit, list, (it) => `${it.day} ${it.currency}`);
  return { items: shown.map((it) => rowOf(it)), nextCursor };
}

type Group = Partial<Counter> & { key: string; by: number };

const KEY_AFTER = /^\d{1,16} .{0,60}$/;

/** @param by what comes first: the most of it */
export async function salesOf(
  counters: Model<Counter>,
  generation: number,
  kind: "product" | "country",
  { from, to, limit, cursor }: Asked,
  by: "gross" | "units",
): Promise<Rows> {
  const list = `sales by ${kind} ${by} ${from} ${to}`;
  const found = await counters
    .aggregate<Group>([
      { $match: { generation, kind, day: { $gte: from, $lte: to } } },
      summed(kind),
      { $project: { ...SHOWN, by: { $ifNull: [`$${by}`, 0] }, key: KEYS[kind] } },
      ...(cursor === undefined ? [] : [afterKey(readCursor(cursor, list, KEY_AFTER))]),
      { $sort: { by: -1, key: 1 } },
      { $limit: limit + 1 },
    ])
    .option({ maxTimeMS: MAX_TIME_MS });
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  const more = found.length > limit && last !== undefined;
  return {
    items: shown.map(rowOf),
    nextCursor: more ? makeCursor(`${last.by} ${last.key}`, list) : null,
  };
}

const SUMS = ["orders", "units", "gross", "tax", "refunds"] as const;

function summed(kind: "product" | "country"): PipelineStage {
  const of = kind === "product" ? { productId: "$productId" } : { country: "$country" };
  return {
    $group: {
      _id: { ...of, currency: "$currency" },
      name: { $max: "$name" },
      ...Object.fromEntries(SUMS.map((it) => [it, { $sum: `$${it}` }])),
    },
  };
}

const SHOWN = {
  _id: 0,
  productId: "$_id.productId",
  country: "$_id.country",
  currency: "$_id.currency",
  name: 1,
  ...Object.fromEntries(SUMS.map((it) => [it, 1])),
};
const KEYS = {
  product: { $concat: [{ $ifNull: ["$_id.productId", "-"] }, " ", "$_id.currency"] },
  country: { $concat: ["$_id.country", " ", "$_id.currency"] },
};

function afterKey(cursor: string): PipelineStage {
  const at = cursor.indexOf(" ");
  const by = Number(cursor.slice(0, at));
  return { $match: { $or: [{ by: { $lt: by } }, { by, key: { $gt: cursor.slice(at + 1) } }] } };
}

const rowOf = (it: Partial<Counter>): SalesRow => ({
  day: it.day ?? null,
  productId: it.productId ?? null,
  name: it.name ?? null,
  country: it.country ?? null,
  currency: it.currency ?? "",
  orders: it.orders ?? 0,
  units: it.units ?? 0,
  gross: it.gross ?? 0,
  tax: it.tax ?? 0,
  refunds: it.refunds ?? 0,
  captured: it.captured ?? 0,
  refunded: it.refunded ?? 0,
});

/**
 * Builds the reports anew from past events, beside those that are shown, while events go on arriving:
 * 1. A new generation is announced. From now on every event is recorded in both, see recorder.ts.
 * 2. All past events are recorded in the new one. Records are the same in any order, so the two do not disturb each other.
 * 3. Records of the live generation that the past does not tell of any more are taken over: the log keeps messages for
 *    a limited time, and a message may have arrived here before it is in the log.
 * 4. Everything is counted. Then one update shows the new generation in place of the old one, which is deleted.
 * A crash before the switch changes nothing of what is shown. The next rebuild begins anew.
 */
import { trusted } from "mongoose";
import type { Envelope } from "../../../broker/contract/envelope.ts";
import { collectionOf } from "../../../broker/mongo/documents.ts";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import { type CountTools, countAll } from "../counters/count-records.ts";
import { FIRST, GENERATIONS, type Generations } from "../models/generations.model.ts";
import { type OrderRecord, pathsOf, type StockOutRecord } from "../models/record.model.ts";
import { partOf, RECORDED } from "../order/order-record.ts";
import type { RecordedMessage } from "../records/recorder.ts";
import { writePart } from "../records/write-part.ts";

/** Where past events come from. */
export interface History {
  /** The next ones of these types, in any order. Null after the last. @param after what the page before ended with */
  read(
    after: string | null,
    types: readonly string[],
  ): Promise<{ messages: readonly Envelope[]; next: string | null; more: boolean }>;
}

export interface Rebuilt {
  generation: number;
  /** Past events that were read. */
  events: number;
  /** Records that only the live generation had, in whole or in part. */
  takenOver: number;
}

export interface RebuildTools extends CountTools {
  history: History;
  taxRate: number;
  report?(events: number): void;
}

const PAGE = 500;

/** One at a time: the caller holds a lease. */
export async function rebuildReports(tools: RebuildTools): Promise<Rebuilt> {
  const { models } = tools;
  const { live, building } = await announce(tools);
  await removeOthers(tools, [live, building]);
  const events = await replay(tools, building);
  const takenOver =
    (await takeOverOrders(tools, live, building)) + (await takeOverStockOuts(tools, live, building));
  await countAll(tools, building);
  const { matchedCount } = await models.generations.updateOne(
    { _id: GENERATIONS, live, building },
    { $set: { live: building, building: null } },
  );
  if (matchedCount === 0) throw new Error("another rebuild has begun meanwhile");
  await removeOthers(tools, [building]);
  return { generation: building, events, takenOver };
}

/** A new number each time: what an earlier attempt has left is not mixed with it. */
async function announce({
  models: { generations },
}: RebuildTools): Promise<Generations & { building: number }> {
  try {
    await generations.create(FIRST);
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
  }
  const now = (await generations.findById(GENERATIONS).lean<Generations>()) ?? FIRST;
  const building = Math.max(now.live, now.building ?? 0) + 1;
  const { matchedCount } = await generations.updateOne(
    { _id: GENERATIONS, live: now.live, building: now.building },
    { $set: { building } },
  );
  if (matchedCount === 0) throw new Error("another rebuild has begun at the same time");
  return { ...now, building };
}

async function replay(tools: RebuildTools, building: number): Promise<number> {
  const { models, history, taxRate, report } = tools;
  let events = 0;
  for (let after: string | null = null; ; ) {
    const page = await history.read(after, RECORDED);
    const parts = page.messages.flatMap((it) => partOf(it as RecordedMessage, taxRate) ?? []);
    // Of one record, the parts come one after the other, as in the shop.
    await Promise.all(parts.map((it) => writePart(models, building, it)));
    events += page.messages.length;
    report?.(events);
    if (!page.more || page.next === null) return events;
    after = page.next;
  }
}

async function takeOverOrders({ models }: RebuildTools, live: number, building: number): Promise<number> {
  let taken = 0;
  for await (const record of recordsOf<OrderRecord>(models.orders, live)) {
    const id = record._id.slice(`${live}/`.length);
    const known = await models.orders.findById(`${building}/${id}`).lean<OrderRecord>();
    const has = new Set(known ? pathsOf(known) : []);
    const missing = pathsOf(record).filter((it) => !has.has(it));
    for (const path of missing) {
      await writePart(models, building, { of: "order", id, path, value: valueAt(record, path) });
    }
    if (missing.length > 0) taken++;
    // The tax of the time when it was paid. The log does not tell, and the shop's may have changed since.
    if (record.paid && known?.paid && known.paid.taxRate !== record.paid.taxRate)
      await models.orders.updateOne(
        { _id: known._id },
        { $set: { "paid.taxRate": record.paid.taxRate, dirty: building }, $inc: { rev: 1 } },
      );
  }
  return taken;
}

function valueAt({ placed, paid, captures, refunds }: OrderRecord, path: string): unknown {
  const [part, id = ""] = path.split(".");
  if (part === "captures") return captures?.[id];
  if (part === "refunds") return refunds?.[id];
  return part === "paid" ? paid : placed;
}

async function takeOverStockOuts({ models }: RebuildTools, live: number, building: number): Promise<number> {
  let taken = 0;
  for await (const { _id, sku, from, until } of recordsOf<StockOutRecord>(models.stockOuts, live)) {
    const revision = Number(_id.slice(_id.lastIndexOf("/") + 1));
    const known = await models.stockOuts.findById(`${building}/${sku}/${revision}`).lean<StockOutRecord>();
    const missing = [
      ...(from && !known?.from ? (["from"] as const) : []),
      ...(until && !known?.until ? (["until"] as const) : []),
    ];
    for (const path of missing)
      await writePart(models, building, {
        of: "stock",
        sku,
        revision,
        path,
        value: (path === "from" ? from : until) ?? "",
      });
    if (missing.length > 0) taken++;
  }
  return taken;
}

async function* recordsOf<T extends { _id: string }>(
  model: RebuildTools["models"]["orders"] | RebuildTools["models"]["stockOuts"],
  generation: number,
): AsyncGenerator<T> {
  for (let after = ""; ; ) {
    const page: T[] = await model.db
      .collection<{ _id: string; generation: number }>(model.collection.name)
      .find<T>({ generation, _id: { $gt: after } })
      .sort({ _id: 1 })
      .limit(PAGE)
      .toArray();
    yield* page;
    const last = page.at(-1);
    if (!last) return;
    after = last._id;
  }
}

/** Deletes all generations but these. What a slow node still writes to one of them is deleted by the next rebuild. */
async function removeOthers({ models }: RebuildTools, kept: readonly number[]): Promise<void> {
  const others = trusted({ $nin: [...kept] });
  await models.orders.deleteMany({ generation: others });
  await models.stockOuts.deleteMany({ generation: others });
  await models.counters.deleteMany({ generation: others });
  await collectionOf(models.batches).deleteMany({ _id: { $nin: kept.map(String) } });
}

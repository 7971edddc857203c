/**
 * Adds what is new in the records to the counters, each part once, whatever crashes:
 * 1. The sums of some records are written to the batch, in one update that names the batch before. So of two nodes, one
 *    makes the batch.
 * 2. Each counter takes the sum unless it has this batch already. It keeps the batch's number.
 * 3. Each record keeps which of its parts were counted.
 * 4. The batch is closed.
 * Whoever finds an open batch does steps 2 to 4 again. A node that was frozen in between does no harm: its number is old.
 */
import { collectionOf, type Documents } from "../../../broker/mongo/documents.ts";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import type { Batch } from "../models/counter.model.ts";
import type { ReportModels } from "../models/models.ts";
import { type OrderRecord, partsAt, pathsOf, recordId } from "../models/record.model.ts";
import { type Addition, contributionOf, type DayOf, difference, keyOf } from "../order/contribution.ts";

/** Records in a batch. Each adds to some hundred counters at most, and the batch is one document. */
const RECORDS = 100;

export interface CountTools {
  models: ReportModels;
  dayOf: DayOf;
}

/** Counts until nothing is left that was written before the call. */
export async function countAll(tools: CountTools, generation: number): Promise<void> {
  while (await countSome(tools, generation));
}

/** @returns whether there may be more */
async function countSome(tools: CountTools, generation: number): Promise<boolean> {
  const { models } = tools;
  const last = await models.batches.findById(String(generation)).lean<Batch>();
  if (last?.isOpen) {
    await apply(models, last);
    return true;
  }
  const records = await models.orders.find({ dirty: generation }).limit(RECORDS).lean<OrderRecord[]>();
  if (records.length === 0) return false;
  const batch = batchOf(tools, generation, (last?.seq ?? 0) + 1, records);
  if (await open(models, last, batch)) await apply(models, batch);
  return true;
}

function batchOf({ dayOf }: CountTools, generation: number, seq: number, records: OrderRecord[]): Batch {
  const sums = new Map<string, Addition>();
  for (const record of records) {
    const before = contributionOf(partsAt(record, new Set(record.counted)), dayOf);
    for (const it of difference(before, contributionOf(record, dayOf))) add(sums, it);
  }
  return {
    _id: String(generation),
    seq,
    isOpen: true,
    additions: [...sums].map(([key, it]) => ({ key, ...it })),
    records: records.map((it) => ({ id: it._id, rev: it.rev, counted: pathsOf(it) })),
  };
}

function add(sums: Map<string, Addition>, { dimensions, add, name }: Addition): void {
  const key = keyOf(dimensions);
  const known = sums.get(key)?.add ?? {};
  const sum = Object.fromEntries(
    Object.entries({ ...known, ...add }).map(([field]) => {
      const of = field as keyof typeof add;
      return [field, (known[of] ?? 0) + (add[of] ?? 0)];
    }),
  );
  sums.set(key, { dimensions, add: sum, ...(name === undefined ? {} : { name }) });
}

/** @returns false where another node has opened one */
async function open(models: ReportModels, last: Batch | null, batch: Batch): Promise<boolean> {
  const { _id, ...content } = batch;
  if (last) {
    const { matchedCount } = await models.batches.updateOne(
      { _id, seq: last.seq, isOpen: false },
      { $set: content },
    );
    return matchedCount === 1;
  }
  try {
    await models.batches.create(batch);
    return true;
  } catch (error) {
    if (isDuplicateKey(error)) return false;
    throw error;
  }
}

async function apply(models: ReportModels, { _id, seq, additions, records }: Batch): Promise<void> {
  const generation = Number(_id);
  await writeAll(
    collectionOf(models.counters),
    additions.map(({ key, dimensions, add, name }) => ({
      updateOne: {
        filter: { _id: recordId(generation, key), seq: { $lt: seq } },
        update: {
          $inc: add,
          $set: { seq, ...(name === undefined ? {} : { name }) },
          $setOnInsert: { generation, ...dimensions },
        },
        // A counter that has the batch already does not match. Then the insert finds its id taken.
        upsert: true,
      },
    })),
  );
  const orders = collectionOf(models.orders);
  await writeAll(
    orders,
    records.map(({ id, counted }) => ({
      updateOne: { filter: { _id: id, seq: { $lt: seq } }, update: { $set: { counted, seq } } },
    })),
  );
  await writeAll(
    orders,
    records.map(({ id, rev }) => ({
      updateOne: { filter: { _id: id, seq, rev }, update: { $unset: { dirty: "" } } },
    })),
  );
  await models.batches.updateOne({ _id, seq }, { $set: { isOpen: false, additions: [], records: [] } });
}

/** Those whose id is taken have been done. */
async function writeAll(
  collection: Pick<Documents<object>, "bulkWrite">,
  operations: readonly object[],
): Promise<void> {
  if (operations.length === 0) return;
  try {
    await collection.bulkWrite(operations, { ordered: false });
  } catch (error) {
    if (!onlyTaken(error)) throw error;
  }
}

function onlyTaken(error: unknown): boolean {
  if (typeof error !== "object" || error === null || !("writeErrors" in error)) return isDuplicateKey(error);
  const all = [error.writeErrors].flat() as { code?: number }[];
  return all.length > 0 && all.every((it) => it.code === 11_000);
}

/** Creates the first stock of a catalogue without one message per SKU. */
import type { Connection } from "mongoose";
import type { ActorDocument } from "../../broker/actor/runtime/document/actor-host.types.ts";
import { derivedId } from "../../broker/contract/ids.ts";
import { collectionOf } from "../../broker/mongo/documents.ts";
import { ledgerModel } from "./ledger.model.ts";
import { newStock, type StockState, stockActor } from "./stock.actor.ts";

const BATCH = 1_000;

/**
 * Creates stock items with their first ledger entries. Existing SKUs stay unchanged.
 * @param connection to the database of inventory
 * @returns how many were created
 */
export async function seedStock(
  connection: Connection,
  items: readonly { sku: string; onHand: number }[],
): Promise<number> {
  let created = 0;
  for (let from = 0; from < items.length; from += BATCH)
    created += await seedBatch(connection, items.slice(from, from + BATCH));
  return created;
}

async function seedBatch(
  connection: Connection,
  items: readonly { sku: string; onHand: number }[],
): Promise<number> {
  const stock = connection.collection<ActorDocument<StockState>>(stockActor.collection);
  const { upsertedIds } = await stock.bulkWrite(
    items.map(({ sku, onHand }) => ({
      updateOne: { filter: { _id: sku }, update: { $setOnInsert: firstVersion(onHand) }, upsert: true },
    })),
    { ordered: false },
  );
  const created = Object.keys(upsertedIds).flatMap((index) => items[Number(index)] ?? []);
  const filled = created.filter((it) => it.onHand > 0);
  if (filled.length > 0)
    await collectionOf(ledgerModel.bind(connection)).insertMany(
      filled.map(({ sku, onHand }) => ({
        _id: derivedId("seed", sku),
        sku,
        delta: onHand,
        onHand,
        reason: "initial stock",
        orderId: null,
        by: null,
        at: new Date(),
      })),
    );
  return created.length;
}

const firstVersion = (onHand: number): Omit<ActorDocument<StockState>, "_id"> => ({
  version: 1,
  state: newStock(onHand),
  inbox: {},
  outbox: [],
  timers: [],
  sent: 0,
  commit: "seed",
});

/** Staff's lists: stock items by SKU, and the movements of one, the latest first. */
import { type Model, type QueryFilter, trusted } from "mongoose";
import type { z } from "zod";
import type { ActorDocument } from "../../broker/actor/runtime/document/actor-host.types.ts";
import { pageOf, readCursor, TIME_AND_ID } from "../../broker/mongo/page-cursor.ts";
import type { inventory, movementView } from "./inventory.contract.ts";
import type { LedgerEntry } from "./ledger.model.ts";
import type { StockState } from "./stock.actor.ts";

type Params<A extends "list" | "movements"> = z.output<(typeof inventory.actions)[A]["params"]>;
export type StockItem = {
  id: string;
  state: Pick<StockState, "onHand" | "held" | "lowAt" | "low">;
};

const FIELDS = { "state.onHand": 1, "state.held": 1, "state.lowAt": 1, "state.low": 1 };
/** After every character of a SKU. */
const LAST = "\u{10ffff}";

/** @returns SKUs that begin with `q`, in their order */
export async function listStock(
  documents: Model<ActorDocument<StockState>>,
  { q, low, limit, cursor }: Params<"list">,
): Promise<{ shown: StockItem[]; nextCursor: string | null }> {
  const list = `stock ${q ?? ""} ${low ?? ""}`;
  const after = cursor === undefined ? undefined : readCursor(cursor, list);
  const range = {
    ...(q === undefined ? {} : { $gte: q, $lt: `${q}${LAST}` }),
    ...(after === undefined ? {} : { $gt: after }),
  };
  const filter: QueryFilter<ActorDocument<StockState>> = {
    ...(Object.keys(range).length > 0 ? { _id: trusted(range) } : {}),
    ...(low === undefined ? {} : { "state.low": low ? true : trusted({ $ne: true }) }),
  };
  const found = await documents
    .find<Pick<ActorDocument<StockItem["state"]>, "_id" | "state">>(filter, FIELDS)
    .sort({ _id: 1 })
    .limit(limit + 1)
    .lean();
  const { shown, nextCursor } = pageOf(found, limit, list, (it) => it._id);
  return { shown: shown.map(({ _id, state }) => ({ id: _id, state })), nextCursor };
}

export async function listMovements(
  ledger: Model<LedgerEntry>,
  { sku, limit, cursor }: Params<"movements">,
): Promise<{ items: z.output<typeof movementView>[]; nextCursor: string | null }> {
  const list = `movements ${sku}`;
  const found = await ledger
    .find({ sku, ...before(cursor, list) })
    .sort({ at: -1, _id: -1 })
    .limit(limit + 1)
    .lean();
  const { shown, nextCursor } = pageOf(found, limit, list, (it) => `${it.at.toISOString()} ${it._id}`);
  const items = shown.map(({ _id, delta, onHand, reason, orderId, by, at }) => ({
    id: _id,
    delta,
    onHand,
    reason,
    orderId,
    by,
    at: at.toISOString(),
  }));
  return { items, nextCursor };
}

function before(cursor: string | undefined, list: string): QueryFilter<LedgerEntry> {
  if (cursor === undefined) return {};
  const [time = "", id = ""] = readCursor(cursor, list, TIME_AND_ID).split(" ");
  const at = new Date(time);
  return { $or: [{ at: trusted({ $lt: at }) }, { at, _id: trusted({ $lt: id }) }] };
}

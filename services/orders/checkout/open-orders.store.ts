/** The open orders of each customer as stored: one document, written only if it is unchanged since it was read. */
import type { Collection } from "mongodb";
import type { Connection } from "mongoose";
import type { ActorHost } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import { ReadGroup } from "../../../broker/mongo/read-group.ts";
import { writeGroup } from "../../../broker/mongo/write-group.ts";
import type { OrderMessage } from "../order/decision.ts";
import { isProcessing, type OrderState } from "../order/state.ts";
import { NOTHING_OPEN, type OpenOrder, type OpenOrders, type Standing } from "./open-orders.ts";

export const OPEN_ORDERS = "open_orders";

export interface OpenOrdersDocument {
  /** The customer's id. */
  _id: string;
  /** Counts writes. Every write requires the expected version. */
  version: number;
  revision: number;
  entries: (Omit<OpenOrder, "at"> & { at: Date })[];
}

/** A customer's open orders as read, and the present status of each. */
export interface OpenOrdersRead {
  /** 0 where nothing is stored yet. */
  readonly version: number;
  readonly open: OpenOrders;
  readonly known: ReadonlyMap<string, Standing>;
}

export interface OpenOrdersStore {
  read(customerId: string): Promise<OpenOrdersRead>;
  /** @returns whether it was written; false also where it may have been, which a new read shows */
  write(customerId: string, version: number, next: OpenOrders): Promise<boolean>;
}

export function openOrdersStore(
  database: Connection,
  host: Pick<ActorHost<OrderState, OrderMessage>, "readMany">,
): OpenOrdersStore {
  const collection: Collection<OpenOrdersDocument> = database
    .getClient()
    .db(database.name)
    .collection(OPEN_ORDERS);
  const reads = new ReadGroup<OpenOrdersDocument>(collection);
  const writes = writeGroup(collection);

  return {
    async read(customerId) {
      const stored = await reads.get(customerId);
      if (!stored) return { version: 0, open: NOTHING_OPEN, known: new Map() };
      const { version, revision, entries } = stored;
      const orders = entries.length > 0 ? await host.readMany(entries.map((it) => it.order)) : [];
      return {
        version,
        open: { revision, entries: entries.map((it) => ({ ...it, at: it.at.getTime() })) },
        known: new Map(orders.map((it) => [it.id, standingOf(it.state)])),
      };
    },

    async write(_id, version, { revision, entries }) {
      const content = { revision, entries: entries.map((it) => ({ ...it, at: new Date(it.at) })) };
      if (version > 0) {
        const change = { $set: content, $inc: { version: 1 } };
        return (await writes.update({ _id, version }, change)) ?? false;
      }
      return writes.insertNew({ _id, version: 1, ...content });
    },
  };
}

const standingOf = ({ status, attempts }: OrderState): Standing =>
  status === "awaiting_payment" && attempts.some(isProcessing) ? "payment_processing" : status;

/** Units of SKUs: from memory where it is exact, else two numbers of each document, read in groups. */
import type { ActorDocument, ActorHost } from "../../broker/actor/runtime/document/actor-host.types.ts";
import { collectionOf } from "../../broker/mongo/documents.ts";
import { ReadGroup } from "../../broker/mongo/read-group.ts";
import type { StockMessage, StockState } from "./stock.actor.ts";

const FIELDS = { "state.onHand": 1, "state.held": 1 };

export interface Level {
  readonly id: string;
  readonly state: Pick<StockState, "onHand" | "held">;
}

/** Those of the SKUs that have a stock item, in no order. */
export type ReadLevels = (skus: readonly string[]) => Promise<Level[]>;

export function levelReads(
  host: Pick<ActorHost<StockState, StockMessage>, "inMemory" | "documents">,
): ReadLevels {
  const reads = new ReadGroup<ActorDocument<StockState>>(collectionOf(host.documents), FIELDS);

  return async (skus) => {
    const known = new Map(skus.flatMap((sku) => pair(sku, host.inMemory(sku))));
    const read = await reads.getMany(skus.filter((sku) => !known.has(sku)));
    return [...known.values(), ...read.map(({ _id, state }) => ({ id: _id, state }))];
  };
}

const pair = (sku: string, level: Level | undefined): [string, Level][] => (level ? [[sku, level]] : []);

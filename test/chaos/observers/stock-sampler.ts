/** Looks at every stock item again and again while things break: what is there must never be less than nothing. */
import { setTimeout as sleep } from "node:timers/promises";
import type { MongoClient } from "mongodb";
import type { ActorDocument } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import type { StockState } from "../../../services/inventory/stock.actor.ts";

export interface StockSampler {
  readonly samples: number;
  /** What was seen that must not be. */
  readonly faults: readonly string[];
  stop(): Promise<void>;
}

const EVERY_MS = 400;

/** What is wrong with a stock item as it is at any moment; empty where nothing is. */
export function stockFaults(sku: string, { onHand, held, holds }: StockState): string[] {
  const sum = Object.values(holds).reduce((total, it) => total + it.quantity, 0);
  return [
    ...(onHand < 0 ? [`${sku}: ${onHand} on hand`] : []),
    ...(held < 0 || held > onHand ? [`${sku}: ${held} held of ${onHand}`] : []),
    ...(sum !== held ? [`${sku}: holds of ${sum} counted as ${held}`] : []),
  ];
}

export function startStockSampler(client: MongoClient): StockSampler {
  const faults: string[] = [];
  const state = { samples: 0, stopped: false };

  async function sample(): Promise<void> {
    const items = await client
      .db("souk_inventory")
      .collection<ActorDocument<StockState>>("stock")
      .find({}, { projection: { state: 1 }, timeoutMS: 2_000 })
      .toArray();
    for (const { _id, state: stock } of items) {
      state.samples++;
      faults.push(...stockFaults(_id, stock));
    }
  }

  const running = (async () => {
    while (!state.stopped) {
      // While the store is away there is nothing to see.
      await sample().catch(() => undefined);
      await sleep(EVERY_MS);
    }
  })();

  return {
    get samples() {
      return state.samples;
    },
    faults,
    async stop() {
      state.stopped = true;
      await running;
    },
  };
}

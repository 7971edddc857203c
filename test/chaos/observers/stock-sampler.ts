/** Checks every stock item repeatedly during the faults: it must never be negative. */
import { setTimeout as sleep } from "node:timers/promises";
import type { MongoClient } from "mongodb";
import type { ActorDocument } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import type { StockState } from "../../../services/inventory/stock.actor.ts";

export interface StockSampler {
  readonly samples: number;
  /** Observed violations. */
  readonly faults: readonly string[];
  stop(): Promise<void>;
}

const EVERY_MS = 400;

/** What is wrong with a stock item at any moment. Empty where nothing is. */
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
      // While the store is away, nothing can be read.
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

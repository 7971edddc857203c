/** Rules that must be true after any faults. Pure: from the snapshot and the journal to rows of the table. */

import type { Journal } from "../customers/journal.ts";
import type { MessageRecorder } from "../observers/message-recorder.ts";
import type { Settled } from "../observers/settle.ts";
import type { Snapshot } from "../observers/snapshot.ts";
import type { StockSampler } from "../observers/stock-sampler.ts";
import type { CheckResult } from "./check.ts";
import { checkHistories } from "./check-histories.ts";
import { checkMessages } from "./check-messages.ts";
import { checkMoney } from "./check-money.ts";
import { checkOrders } from "./check-orders.ts";
import { checkStock } from "./check-stock.ts";

export interface Evidence {
  snapshot: Snapshot;
  journal: Pick<Journal, "checkouts" | "tabs" | "promises" | "surprises">;
  /** Units at the start, by SKU. */
  initial: ReadonlyMap<string, number>;
  sampler: Pick<StockSampler, "samples" | "faults">;
  recorder: Pick<MessageRecorder, "seen" | "counts">;
  /** Ids of messages that were sent to fail. */
  poison: readonly string[];
  settled: Settled;
  /** Processes that ended, or did not end, unexpectedly. */
  crashes: readonly string[];
  processes: number;
}

export function checkAll(evidence: Evidence): CheckResult[] {
  const { settled, crashes, processes } = evidence;
  return [
    ...checkOrders(evidence),
    ...checkStock(evidence),
    ...checkMoney(evidence),
    ...checkHistories(evidence),
    ...checkMessages(evidence),
    {
      name: "everything came to rest",
      looked: "s until then",
      count: Math.round(settled.ms / 1_000),
      failures: settled.left,
    },
    {
      name: "no process ended by itself, all stopped in order",
      looked: "processes",
      count: processes,
      failures: crashes,
    },
  ];
}

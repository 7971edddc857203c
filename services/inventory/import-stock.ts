/**
 * Stock of a file. Each record is a message to its stock item, whose id is made from the import and the line: one that
 * comes again after a crash is known, and changes nothing.
 */
import type { ActorHost } from "../../broker/actor/runtime/document/actor-host.types.ts";
import { errorCode } from "../../broker/contract/errors.ts";
import { derivedId } from "../../broker/contract/ids.ts";
import type { StockImport, StockImportResult } from "./inventory.contract.ts";
import type { StockMessage, StockState } from "./stock.actor.ts";

type Host = Pick<ActorHost<StockState, StockMessage>, "apply" | "readMany">;

export interface StockImportRequest {
  job: string;
  dryRun: boolean;
  by: string | null;
  items: readonly { line: number; stock: StockImport }[];
}

/** All at once: their commits go out in groups. Those of one SKU run in their order. */
export async function importStock(
  host: Host,
  { job, dryRun, by, items }: StockImportRequest,
): Promise<StockImportResult[]> {
  if (dryRun) return foretell(host, items);
  const bySku = Map.groupBy(items, (it) => it.stock.sku);
  const done = await Promise.all(
    [...bySku.values()].map(async (own) => {
      const results: StockImportResult[] = [];
      for (const { line, stock } of own) results.push(await importOne(host, { job, line, by, stock }));
      return results;
    }),
  );
  return done.flat().sort((a, b) => a.line - b.line);
}

async function importOne(
  host: Host,
  { job, line, by, stock }: { job: string; line: number; by: string | null; stock: StockImport },
): Promise<StockImportResult> {
  const { sku, ...counted } = stock;
  const key = `${job}:${line}`;
  try {
    const { state } = await host.apply(
      sku,
      "stock.count",
      { ...counted, key, by },
      { id: derivedId("import", job, line) },
    );
    // Where another file was faster after a crash, what this record did is not known any more.
    return { line, outcome: state.counted?.key === key ? state.counted.outcome : "updated", errors: [] };
  } catch (error) {
    if (errorCode(error) !== "INSUFFICIENT_STOCK" || !(error instanceof Error)) throw error;
    return failed(line, error.message);
  }
}

/** What would be done, at present. */
async function foretell(host: Host, items: StockImportRequest["items"]): Promise<StockImportResult[]> {
  const found = await host.readMany([...new Set(items.map((it) => it.stock.sku))]);
  const known = new Map<string, Pick<StockState, "onHand" | "held" | "lowAt">>(
    found.map((it) => [it.id, it.state]),
  );
  return items.map(({ line, stock: { sku, onHand, lowAt } }) => {
    const before = known.get(sku);
    const next = {
      onHand: onHand ?? before?.onHand ?? 0,
      held: before?.held ?? 0,
      lowAt: lowAt === undefined ? before?.lowAt : lowAt,
    };
    if (next.onHand < next.held) return failed(line, `${next.held} units are held for orders.`);
    known.set(sku, next);
    const same = before?.onHand === next.onHand && (before.lowAt ?? null) === (next.lowAt ?? null);
    return { line, outcome: !before ? "created" : same ? "unchanged" : "updated", errors: [] };
  });
}

const failed = (line: number, message: string): StockImportResult => ({
  line,
  outcome: "failed",
  errors: [{ field: "onHand", message }],
});

/** What `checkReports` looks at, read from the databases of a shop. */
import type { Document } from "mongodb";
import { dayIn } from "../../../services/reports/stats/days.ts";
import type { ReportsEvidence } from "../checks/check-reports.ts";

/** One collection of a service, whole. */
export type ReadAll = <T extends Document>(service: string, collection: string) => Promise<T[]>;

/** @param timeZone of the reports */
export async function reportsEvidence(all: ReadAll, timeZone = "UTC"): Promise<ReportsEvidence> {
  const [now] = await all<{ live: number }>("reports", "generations");
  const live = now?.live ?? 1;
  const ofLive = <T extends { generation: number }>(documents: T[]) =>
    documents.filter((it) => it.generation === live);
  return {
    transactions: await all<ReportsEvidence["transactions"][number]>("payments", "ledger"),
    counters: ofLive(await all<ReportsEvidence["counters"][number]>("reports", "counters")),
    records: ofLive(await all<ReportsEvidence["records"][number]>("reports", "order_records")),
    batches: await all<ReportsEvidence["batches"][number]>("reports", "batches"),
    dayOf: dayIn(timeZone),
  };
}

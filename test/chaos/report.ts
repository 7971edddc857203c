/** How soon the shop worked again, by fault. */
import { tableOf } from "./checks/check.ts";
import type { Recovery } from "./faults/fault-injector.ts";
import type { ChaosReport } from "./run.ts";

const inSeconds = (ms: number | null): string => (ms === null ? "never" : `${(ms / 1_000).toFixed(1)} s`);
const slower = (a: Recovery, b: Recovery) =>
  (b.ms ?? Number.POSITIVE_INFINITY) - (a.ms ?? Number.POSITIVE_INFINITY);

const worstOf = (recoveries: readonly Recovery[]): string => {
  const [worst] = recoveries.toSorted(slower);
  return worst ? inSeconds(worst.ms) : "";
};
const alone = (recoveries: readonly Recovery[]) => recoveries.filter((it) => it.together.length === 0);

/**
 * One row per kind of fault and process. It has the number, the worst time until a complete checkout succeeded, and
 * the worst time without other faults.
 */
export function recoveryTable(recoveries: readonly Recovery[]): string {
  const kinds = Map.groupBy(recoveries, (it) => it.kind);
  const rows = [...kinds]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([kind, all]) => [kind, String(all.length), worstOf(all), worstOf(alone(all))]);
  const table = [["", "times", "worst", "alone"], ...rows];
  const widths = [0, 1, 2, 3].map((i) => Math.max(...table.map((row) => row[i]?.length ?? 0)));
  return table
    .map(([kind = "", ...cells]) =>
      [kind.padEnd(widths[0] ?? 0), ...cells.map((cell, i) => cell.padStart(widths[i + 1] ?? 0))].join("  "),
    )
    .map((row) => `  ${row}`)
    .join("\n");
}

/** The worst time of all, and the worst without other faults, each with its fault. */
export function worstRecovery(recoveries: readonly Recovery[]): string {
  const [worst] = recoveries.toSorted(slower);
  const [single] = alone(recoveries).toSorted(slower);
  const told = (it: Recovery | undefined) => (it ? `${inSeconds(it.ms)} (${it.fault})` : "none");
  return `${told(worst)}, alone ${told(single)}`;
}

/** All of a run for a person. @param took seconds */
export function reportOf(
  { results, recoveries, flows, requests, keptIn }: ChaosReport,
  took: number,
  seed: number,
): string {
  const kills = recoveries.filter((it) => it.isKill);
  const others = recoveries.filter((it) => !it.isKill);
  return [
    "",
    "Customers, and how it ended for them:",
    ...[...flows].sort().map(([what, count]) => `  ${String(count).padStart(6)}  ${what}`),
    `  ${requests.requests} requests, ${requests.repeated} of them repeated; ${requests.gaveUp} given up`,
    "",
    `${kills.length} kills, ${others.length} freezes and cuts; from each until a checkout worked again:`,
    recoveryTable(recoveries),
    `  worst recovery after a kill: ${worstRecovery(kills)}; after anything else: ${worstRecovery(others)}`,
    "",
    `Checks, after ${took.toFixed(0)} s, seed ${seed}:`,
    tableOf(results),
    ...(keptIn ? ["", `data and logs are in ${keptIn}`] : []),
  ].join("\n");
}

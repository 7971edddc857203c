/** How soon the shop served again, by what was done to whom. */
import type { Recovery } from "./violence.ts";

const inSeconds = (ms: number | null): string => (ms === null ? "never" : `${(ms / 1_000).toFixed(1)} s`);
const slower = (a: Recovery, b: Recovery) =>
  (b.ms ?? Number.POSITIVE_INFINITY) - (a.ms ?? Number.POSITIVE_INFINITY);

const withRabbit = ({ ms, awayMs }: Recovery): number | null => (ms === null ? null : ms - awayMs);
const longest = (times: readonly (number | null)[]): number | null =>
  times.includes(null) ? null : Math.max(...times.map(Number));

/**
 * A row for each kind of blow and victim: how often, the worst time until a whole checkout worked again, and the worst
 * without the time that RabbitMQ, killed, took to start.
 */
export function recoveryTable(recoveries: readonly Recovery[]): string {
  const kinds = Map.groupBy(recoveries, (it) => it.kind);
  const rows = [...kinds]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([kind, all]) => {
      const worst = longest(all.map((it) => it.ms));
      return [kind, String(all.length), inSeconds(worst), inSeconds(longest(all.map(withRabbit)))];
    });
  const table = [["", "times", "worst", "with RabbitMQ up"], ...rows];
  const widths = [0, 1, 2, 3].map((i) => Math.max(...table.map((row) => row[i]?.length ?? 0)));
  return table
    .map(([kind = "", ...cells]) =>
      [kind.padEnd(widths[0] ?? 0), ...cells.map((cell, i) => cell.padStart(widths[i + 1] ?? 0))].join("  "),
    )
    .map((row) => `  ${row}`)
    .join("\n");
}

/** The worst of all, with what it was after. */
export function worstRecovery(recoveries: readonly Recovery[]): string {
  const [worst] = recoveries.toSorted(slower);
  return worst ? `${inSeconds(worst.ms)} (${worst.act})` : "none";
}

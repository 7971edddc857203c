/** The form of a check's result, and its table. */

export interface CheckResult {
  /** What must hold. */
  name: string;
  /** What was examined, and how many. */
  looked: string;
  count: number;
  /** What is wrong, each with its id. Empty where the check passes. */
  failures: readonly string[];
}

const SHOWN = 20;

/** Ids of failures are below the table. */
export function tableOf(results: readonly CheckResult[]): string {
  const width = (pick: (it: CheckResult) => string) => Math.max(...results.map((it) => pick(it).length));
  const [names, looked, counts] = [
    width((it) => it.name),
    width((it) => it.looked),
    width((it) => String(it.count)),
  ];
  const rows = results.map(
    (it) =>
      `  ${it.name.padEnd(names)}  ${String(it.count).padStart(counts)} ${it.looked.padEnd(looked)}  ${it.failures.length === 0 ? "ok" : `FAILED (${it.failures.length})`}`,
  );
  const failed = results.filter((it) => it.failures.length > 0);
  const details = failed.flatMap(({ name, failures }) => [
    "",
    `${name}:`,
    ...failures.slice(0, SHOWN).map((it) => `  ${it}`),
    ...(failures.length > SHOWN ? [`  and ${failures.length - SHOWN} more`] : []),
  ]);
  return [...rows, ...details].join("\n");
}

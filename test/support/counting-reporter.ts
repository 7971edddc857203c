/** Mocha's usual report. It also adds the run's numbers to a file, because `npm test` runs mocha several times. */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { type MochaOptions, type Runner, reporters } from "mocha";

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const FILE = "SOUK_TEST_COUNTS";

export default class CountingReporter extends reporters.Spec {
  constructor(runner: Runner, options: MochaOptions) {
    super(runner, options);
    const file = process.env[FILE];
    if (!file) return;
    runner.once("end", () => {
      const { passes, failures, pending } = this.stats;
      const counts: Counts = { passed: passes, failed: failures, skipped: pending };
      appendFileSync(file, `${JSON.stringify(counts)}\n`);
    });
  }
}

/** What mocha needs to count into `file`. */
export const countingInto = (file: string): { args: string[]; env: Record<string, string> } => ({
  args: ["--reporter", import.meta.filename],
  env: { [FILE]: file },
});

/** The sum of all runs that were counted into `file`. */
export function readCounts(file: string): Counts {
  const sum: Counts = { passed: 0, failed: 0, skipped: 0 };
  if (!existsSync(file)) return sum;
  for (const line of readFileSync(file, "utf8").split("\n").filter(Boolean)) {
    const { passed, failed, skipped } = JSON.parse(line) as Counts;
    sum.passed += passed;
    sum.failed += failed;
    sum.skipped += skipped;
  }
  return sum;
}

/** Whether a node can do its work now, and what it lacks if not. */
import { inTime } from "../../resilience/deadline.ts";
import { textOf } from "../../resilience/refusals.ts";

export interface Check {
  readonly name: string;
  /** Resolves when all is well. Its error's message says what is missing, to operators. */
  run(): Promise<void>;
}

export interface Readiness {
  ready: boolean;
  /** One entry per failed check: its name, and why. */
  missing: { check: string; reason: string }[];
}

const CHECK_MS = 2_000;

/** Runs all checks at once; one that takes longer than two seconds has failed. */
export async function readiness(checks: readonly Check[]): Promise<Readiness> {
  const outcomes = await Promise.all(checks.map(outcome));
  const missing = outcomes.filter((it) => it !== undefined);
  return { ready: missing.length === 0, missing };
}

async function outcome({ name, run }: Check): Promise<Readiness["missing"][number] | undefined> {
  try {
    await inTime(CHECK_MS, run(), () => new Error(`no answer within ${CHECK_MS} ms`));
    return undefined;
  } catch (error) {
    return { check: name, reason: textOf(error) };
  }
}

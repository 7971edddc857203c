/** Whether a node can work now, and what is missing if not. */
import { inTime } from "../../resilience/deadline.ts";
import { textOf } from "../../resilience/refusals.ts";

export interface Check {
  readonly name: string;
  /** Resolves when the condition holds. The message of its error tells operators what is missing. */
  run(): Promise<void>;
}

export interface Readiness {
  ready: boolean;
  /** One entry per failed check: its name and the reason. */
  missing: { check: string; reason: string }[];
}

const CHECK_MS = 2_000;

/** Runs all checks at once. A check fails after two seconds. */
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

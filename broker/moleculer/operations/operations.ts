/**
 * What a node reports to operators: whether it is ready, what is missing, and its metrics. Parts of the node add to
 * it.
 */
import { type Check, type Readiness, readiness } from "./readiness.ts";

export interface Operations {
  /** Adds a condition for readiness. Replaces one of the same name. */
  check(check: Check): void;
  /** Adds metrics for Prometheus. Replaces those of the same name. */
  measure(name: string, text: () => string): void;
  ready(): Promise<Readiness>;
  metrics(): string;
}

export function createOperations(): Operations {
  const checks = new Map<string, Check>();
  const sources = new Map<string, () => string>();
  return {
    check: (check) => void checks.set(check.name, check),
    measure: (name, text) => void sources.set(name, text),
    ready: () => readiness([...checks.values()]),
    metrics: () => [...sources.values()].map((text) => text()).join(""),
  };
}

/** The body of `/health/ready`, on each port. */
export function readyReply({ ready, missing }: Readiness): { status: number; body: string } {
  return ready
    ? { status: 200, body: '{"status":"ready"}' }
    : { status: 503, body: JSON.stringify({ status: "not ready", missing }) };
}

export const LIVE = '{"status":"live"}';

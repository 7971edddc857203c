/** What a node tells those who run it: whether it is ready, what it lacks, what it counts. Its parts add to it. */
import { type Check, type Readiness, readiness } from "./readiness.ts";

export interface Operations {
  /** Adds what must be well for the node to be ready; one of the same name is replaced. */
  check(check: Check): void;
  /** Adds text for Prometheus; what had the same name is replaced. */
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

/** The body of `/health/ready`, wherever it is asked. */
export function readyReply({ ready, missing }: Readiness): { status: number; body: string } {
  return ready
    ? { status: 200, body: '{"status":"ready"}' }
    : { status: 503, body: JSON.stringify({ status: "not ready", missing }) };
}

export const LIVE = '{"status":"live"}';

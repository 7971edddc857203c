/** Gauges of a process, such as the lengths of its queues, for Moleculer's registry. */
import type { ServiceBroker } from "moleculer";

const EVERY_MS = 1_000;

/** Name, description, and a function that reads the value. */
export type Gauge = readonly [name: string, description: string, read: () => number];

/** Reads these every second, until the returned function is called. Costs nothing where metrics are off. */
export function gauges(
  { metrics }: ServiceBroker,
  labels: Readonly<Record<string, string>>,
  all: readonly Gauge[],
): () => void {
  if (!metrics.isEnabled()) return () => undefined;
  for (const [name, description] of all)
    if (!metrics.getMetric(name))
      metrics.register({ type: "gauge", name, description, labelNames: Object.keys(labels) });
  const timer = setInterval(() => {
    for (const [name, , read] of all) metrics.set(name, read(), labels);
  }, EVERY_MS).unref();
  return () => clearInterval(timer);
}

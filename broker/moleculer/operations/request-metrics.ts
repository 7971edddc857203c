/** Moleculer's metrics of calls, at a lower price: each call of an action counts in four of them. */
import type { MetricRegistry } from "moleculer";

/**
 * Registers them again, by action only, and without rates and quantiles, which Prometheus computes itself. Callers and
 * levels would make series that nobody looks at. That was a twelfth of a read's CPU.
 */
export function registerRequestMetrics(registry: MetricRegistry): void {
  if (!registry.isEnabled()) return;
  registry.register({
    name: "moleculer.request.total",
    type: "counter",
    labelNames: ["action"],
    unit: "request",
    description: "Number of requests",
  });
  registry.register({
    name: "moleculer.request.active",
    type: "gauge",
    unit: "request",
    description: "Number of active requests",
  });
  registry.register({
    name: "moleculer.request.levels",
    type: "counter",
    unit: "request",
    description: "Number of requests, those made by other requests among them",
  });
  registry.register({
    name: "moleculer.request.time",
    type: "histogram",
    labelNames: ["action"],
    buckets: true,
    unit: "millisecond",
    description: "Request times in milliseconds",
  });
}

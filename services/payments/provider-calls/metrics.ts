/** Metrics of payments. */
import type { ServiceBroker } from "moleculer";
import type { CallOutcome, ProviderCall, WebhookOutcome } from "./outcome.ts";

export interface PaymentMetrics {
  webhook(provider: string, outcome: WebhookOutcome): void;
  called(provider: string, call: ProviderCall, outcome: CallOutcome<unknown>["kind"]): void;
  anomaly(provider: string, kind: string): void;
}

const COUNTERS = {
  "souk.payments.webhooks": { labels: ["provider", "outcome"], description: "Webhooks of payment providers" },
  "souk.payments.provider.calls": {
    labels: ["provider", "call", "outcome"],
    description: "Calls to payment providers",
  },
  "souk.payments.anomalies": {
    labels: ["provider", "kind"],
    description: "Reports of payment providers that did not fit",
  },
} as const;

export function createPaymentMetrics(metrics: ServiceBroker["metrics"]): PaymentMetrics {
  function count(name: keyof typeof COUNTERS, labels: Record<string, string>): void {
    if (!metrics) return;
    if (!metrics.getMetric(name)) {
      const { labels: labelNames, description } = COUNTERS[name];
      metrics.register({ type: "counter", name, labelNames: [...labelNames], description });
    }
    metrics.increment(name, labels);
  }
  return {
    webhook: (provider, outcome) => count("souk.payments.webhooks", { provider, outcome }),
    called: (provider, call, outcome) => count("souk.payments.provider.calls", { provider, call, outcome }),
    anomaly: (provider, kind) => count("souk.payments.anomalies", { provider, kind }),
  };
}

/** Stores an anomaly for staff, and announces it once. */
import type { Model } from "mongoose";
import type { DataOut } from "../../broker/contract/contract.ts";
import { isDuplicateKey } from "../../broker/mongo/duplicate-key.ts";
import type { Log } from "../../broker/resilience/log.ts";
import type { Anomaly } from "./anomaly.model.ts";
import type { PaymentMetrics } from "./provider-calls/metrics.ts";

export interface AnomalyTools {
  anomalies: Model<Anomaly>;
  metrics: PaymentMetrics;
  log: Log;
}

/** A repeated call changes nothing. */
export async function recordAnomaly(
  { anomalies, metrics, log }: AnomalyTools,
  { id, ...anomaly }: DataOut<"payment.anomaly">,
): Promise<void> {
  try {
    await anomalies.create({ _id: id, ...anomaly });
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    return;
  }
  metrics.anomaly(anomaly.provider, anomaly.kind);
  log.warn("staff should look at a payment", { ...anomaly, id });
}

/** The length of a run, and with it the size of the cluster and the number of customers. */
import { eachService, fewProcesses } from "./cluster/cluster.ts";
import type { ChaosOptions } from "./run.ts";

type Length = Pick<ChaosOptions, "plan" | "brief" | "customers" | "orderTtl" | "retryForMs" | "settleMs">;

/** In a short run, orders expire soon and customers give up soon. */
export const briefly: Length = {
  plan: fewProcesses,
  brief: true,
  customers: 12,
  orderTtl: 10,
  retryForMs: 15_000,
  settleMs: 120_000,
};

export const atLength: Length = {
  plan: eachService,
  brief: false,
  // At once. Many more would only wait for each other on a machine of two cores.
  customers: 40,
  orderTtl: 30,
  retryForMs: 45_000,
  settleMs: 180_000,
};

/** Moleculer's options, from the configuration: transporter, metrics, resilience. */
import { hostname } from "node:os";
import type { BrokerOptions, Middleware } from "moleculer";
import type { Config } from "./config.ts";
import { ContractValidator } from "./contract-validator.ts";
import { loggerOptions } from "./log/logger.ts";
import { finishBeforeStop } from "./middlewares/finish-before-stop.ts";
import { refusedCalls } from "./middlewares/refused-calls.ts";
import { refusedStart } from "./middlewares/refused-start.ts";
import { remoteTimeout } from "./middlewares/remote-timeout.ts";
import { repeatReads } from "./middlewares/repeat-reads.ts";
import { transientErrors } from "./middlewares/transient-errors.ts";
import { READS_BATCHES } from "./transport/batch-readers.ts";
import { FastDiscoverer } from "./transport/fast-discoverer.ts";
import { createTransporter } from "./transport/transporter.ts";

export type SoukBrokerOptions = BrokerOptions & { nodeID: string; middlewares: Middleware[] };

export function brokerOptions(config: Config): SoukBrokerOptions {
  return {
    nodeID: config.NODE_ID ?? `${hostname()}-${process.pid}`,
    namespace: config.NAMESPACE,
    metadata: READS_BATCHES,
    logger: loggerOptions(config),
    logLevel: logLevels(config),
    transporter: createTransporter(config),
    // This action would send these options, including addresses, to every node that asks.
    internalServices: { $node: { name: "$node", actions: { options: false } } },
    validator: new ContractValidator(),
    middlewares: [
      finishBeforeStop,
      transientErrors,
      refusedCalls,
      remoteTimeout,
      repeatReads,
      refusedStart(config.REDIS_URL, config.NODE_ENV === "production"),
    ],
    registry: {
      strategy: "RoundRobin",
      preferLocal: true,
      discoverer: new FastDiscoverer(),
      // A stopping node announces it, and then answers late requests for this time.
      stopDelay: config.TRANSPORTER || config.AMQP_URL ? 1_000 : 0,
    },
    // Longer than the longest wait of an action (Prefer: wait=10). Longer calls set their own time-out.
    requestTimeout: 15_000,
    // Used for reads only, see repeat-reads.ts. If enabled, Moleculer would retry every action.
    retryPolicy: { enabled: false, retries: 2, delay: 50, maxDelay: 500, factor: 2, check: isRetryable },
    circuitBreaker: {
      enabled: true,
      threshold: 0.5,
      minRequestCount: 50,
      windowTime: 10,
      halfOpenTime: 1_000,
      check: isOfEndpoint,
    },
    bulkhead: { enabled: true, concurrency: 1_000, maxQueueSize: 1_000 },
    tracking: { enabled: true, shutdownTimeout: config.SHUTDOWN_TIMEOUT },
    metrics: {
      enabled: config.METRICS === "on",
      reporter: [],
      collectProcessMetrics: true,
      collectInterval: 5,
    },
    heartbeatInterval: 3,
    heartbeatTimeout: 7,
    contextParamsCloning: false,
    // The scripts end the process.
    skipProcessEventRegistration: true,
  };
}

/** At `info`, Moleculer's own modules log more than a person wants to read at each start. */
function logLevels({ LOG_LEVEL }: Config): BrokerOptions["logLevel"] {
  if (LOG_LEVEL !== "info") return LOG_LEVEL;
  return {
    REGISTRY: "warn",
    METRICS: "warn",
    BROKER: "warn",
    $NODE: "warn",
    "$ACTOR.*": "warn",
    TRANSIT: "warn",
    "**": "info",
  };
}

/** Whether a call failed because of the called node. Without a transporter there is no other node. */
const isOfEndpoint = (error: Error): boolean =>
  error.name !== "BrokerDisconnectedError" && (!("code" in error) || Number(error.code) >= 500);

const isRetryable = (error: Error): boolean => "retryable" in error && error.retryable === true;

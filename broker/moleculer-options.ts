/** Moleculer's options, from the configuration: transporter, cacher, metrics, resilience. */
import { hostname } from "node:os";
import type { BrokerOptions, Middleware } from "moleculer";
import { AmqpTransporter } from "./amqp-transporter.ts";
import type { Config } from "./config.ts";
import { loggerOptions } from "./logging.ts";
import { finishBeforeStop } from "./middlewares/finish-before-stop.ts";
import { lostAnswers } from "./middlewares/lost-answers.ts";
import { passingFailures } from "./middlewares/passing-failures.ts";
import { refusedCalls } from "./middlewares/refused-calls.ts";
import { repeatReads } from "./middlewares/repeat-reads.ts";
import { ContractValidator } from "./middlewares/validate.ts";
import { PromptDiscoverer } from "./prompt-discoverer.ts";

export type SoukBrokerOptions = BrokerOptions & { nodeID: string; middlewares: Middleware[] };

export function brokerOptions(config: Config): SoukBrokerOptions {
  return {
    nodeID: config.NODE_ID ?? `${hostname()}-${process.pid}`,
    namespace: config.NAMESPACE,
    logger: loggerOptions(config),
    logLevel: logLevels(config),
    transporter: transporter(config),
    cacher: cacher(config),
    validator: new ContractValidator(),
    middlewares: [finishBeforeStop, passingFailures, refusedCalls, lostAnswers, repeatReads],
    registry: {
      strategy: "RoundRobin",
      preferLocal: true,
      discoverer: new PromptDiscoverer(),
      // A node that stops tells the others so, and then answers for so long what is on its way to it.
      stopDelay: config.TRANSPORTER || config.AMQP_URL ? 1_000 : 0,
    },
    // Above the longest wait of an action (Prefer: wait=10); longer ones say so in the call.
    requestTimeout: 15_000,
    // For reads, see repeat-reads.ts; enabled, Moleculer would repeat every action.
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
    // The scripts decide when a process ends.
    skipProcessEventRegistration: true,
  };
}

/** At `info`, Moleculer's own modules tell more than a person wants to read at each start. */
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

/** Whether a call failed by the node that was called: without a transporter of our own none can be reached. */
const isOfEndpoint = (error: Error): boolean =>
  error.name !== "BrokerDisconnectedError" && (!("code" in error) || Number(error.code) >= 500);

const isRetryable = (error: Error): boolean => "retryable" in error && error.retryable === true;

function transporter({ TRANSPORTER, AMQP_URL }: Config): BrokerOptions["transporter"] {
  const chosen = TRANSPORTER ?? AMQP_URL;
  if (!chosen) return null;
  // Moleculer takes URLs and names alike; its types know the names only.
  if (!chosen.toLowerCase().startsWith("amqp")) return chosen as "NATS" | "Redis" | "TCP";
  const url = chosen.includes("://") ? chosen : AMQP_URL;
  if (!url) throw new Error("TRANSPORTER is AMQP, but AMQP_URL is not set");
  return new AmqpTransporter(url, {
    // With Nagle's algorithm on, each call waits some 20 ms for a delayed ACK. Without a time-out, a RabbitMQ that takes
    // the connection and says nothing is waited for without end, while the other addresses go untried.
    socketOptions: { noDelay: true, keepAlive: true, timeout: 10_000 },
    // Requests that a node works on at once. A request may wait for seconds (for a payment, for an order's next change),
    // and may call back the node that it comes from: where all places are taken by such, nodes wait for each other for
    // minutes. So this is above all that gateways let in; each action's own bound is the bulkhead's.
    prefetch: 10_000,
    eventTimeToLive: 10_000,
    heartbeatTimeToLive: 10_000,
  });
}

function cacher({ REDIS_URL, NAMESPACE }: Config): BrokerOptions["cacher"] {
  // Handlers never change what they return, so the memory cacher may hand out the same object again.
  if (!REDIS_URL) return { type: "Memory", options: { clone: false, ttl: 30 } };
  const options: Record<string, unknown> = { prefix: `souk-${NAMESPACE}`, ttl: 30, redis: REDIS_URL };
  return { type: "Redis", options };
}

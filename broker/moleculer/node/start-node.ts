/** A node: one Moleculer broker with its services, the bus and the database. It starts and stops them in order. */
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { type Clock, systemClock } from "../../resilience/clock.ts";
import { brokerOptions, type SoukBrokerOptions } from "../broker-options.ts";
import type { Config } from "../config.ts";
import type { NodeRuntime } from "../runtime.ts";
import { BatchReaders } from "../transport/batch-readers.ts";
import { type OpenRuntime, openRuntime } from "./open-runtime.ts";
import { type RuntimeMiddlewareOptions, runtimeMiddleware } from "./runtime-middleware.ts";

export interface BrokerSetup extends RuntimeMiddlewareOptions {
  config: Config;
  clock?: Clock;
  /** Services that the node will run, where known. */
  runs?: readonly string[];
  /** For tests. */
  batchReaders?: BatchReaders;
  /** Work for the time in which the database is opened. */
  meanwhile?(): Promise<unknown>;
}

export interface NodeOptions extends BrokerSetup {
  /** Or what loads them, while the database is opened. `runs` has their names then. */
  services: readonly ServiceSchema[] | (() => Promise<readonly ServiceSchema[]>);
}

export interface SoukNode {
  readonly broker: ServiceBroker;
  readonly runtime: NodeRuntime;
  /** Drains and closes everything. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Options for a broker that can run our services, for {@link startNode} or for Moleculer's runner
 * (`moleculer.config.ts`). Waits for MongoDB. The broker's start waits for RabbitMQ.
 */
export async function openBroker({
  config,
  clock = systemClock,
  runs,
  batchReaders = new BatchReaders(),
  meanwhile,
  ...setup
}: BrokerSetup): Promise<{ options: SoukBrokerOptions; open: OpenRuntime }> {
  const options = brokerOptions(config);
  const services = { shop: setup.shop, here: runs, ...(meanwhile ? { meanwhile } : {}) };
  const open = await openRuntime(config, services, options, clock, batchReaders);
  return {
    options: { ...options, middlewares: [...options.middlewares, runtimeMiddleware(open, setup)] },
    open,
  };
}

/** Starts a node. Resolves when its services are ready. */
export async function startNode({ services, ...setup }: NodeOptions): Promise<SoukNode> {
  let schemas: readonly ServiceSchema[] = [];
  const { options, open } = await openBroker({
    ...(typeof services === "function" ? {} : { runs: services.map((it) => it.name) }),
    ...setup,
    async meanwhile() {
      schemas = typeof services === "function" ? await services() : services;
    },
  });
  const broker = new ServiceBroker(options);
  try {
    for (const schema of schemas) broker.createService(schema);
    await broker.start();
    return { broker, runtime: open.runtime, stop: () => broker.stop() };
  } catch (error) {
    await broker.stop();
    throw error;
  }
}

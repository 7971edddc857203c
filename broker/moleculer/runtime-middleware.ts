/** The runtime as a middleware: a broker that has it gives its services all they need, whoever starts it. */
import type { Middleware, ServiceBroker } from "moleculer";
import { busStatsService } from "../bus/bus-metrics.ts";
import { topologyOf } from "../bus/topology.ts";
import type { ServiceContract } from "../contract.ts";
import { migrateUp, migrationsOf } from "../migrations.ts";
import type { NodeRuntime } from "../runtime.ts";
import type { OpenRuntime } from "./open-runtime.ts";

export interface RuntimeMiddlewareOptions {
  /** Contracts of the whole shop: every node declares all queues, so that none misses what is sent before it starts. */
  contracts: readonly ServiceContract[];
  /** Runs when the databases are migrated and before the services start. */
  prepare?(runtime: NodeRuntime): Promise<void>;
}

/** Moleculer calls these in the order of a broker's life. */
export function runtimeMiddleware(
  { runtime, connected, close }: OpenRuntime,
  { contracts, prepare }: RuntimeMiddlewareOptions,
): Middleware {
  return {
    name: "SoukRuntime",

    created(broker: ServiceBroker) {
      broker.souk = runtime;
      broker.createService(busStatsService(runtime.bus));
      drainBeforeStop(broker);
    },

    async starting(broker: ServiceBroker) {
      if (runtime.config.MIGRATE_ON_START) await migrateAll(broker);
      await connected;
      await runtime.bus.declare(topologyOf(contracts));
      await prepare?.(runtime);
    },

    async stopped() {
      await close();
    },
  };
}

async function migrateAll({ services, nodeID, souk }: ServiceBroker): Promise<void> {
  const log = souk.logger("migrations");
  for (const { name } of services) {
    const all = await migrationsOf(name);
    if (all.length === 0) continue;
    const applied = await migrateUp(souk.database(name), all, nodeID, souk.clock);
    if (applied.length > 0) log.info(`${name}: applied ${applied.join(", ")}`);
  }
}

/**
 * Lets services that take work from outside (the gateway) stop taking it and finish what they have, before any service
 * stops: requests that are under way still need them all. Moleculer's own hooks come too late for that, since it takes
 * the node's services out of the registry first. Stopped twice, a broker stops once.
 */
function drainBeforeStop(broker: ServiceBroker): void {
  const stop = broker.stop.bind(broker);
  let stopping: Promise<void> | undefined;
  broker.stop = () => {
    stopping ??= drain(broker).then(stop);
    return stopping;
  };
}

async function drain({ services, logger }: ServiceBroker): Promise<void> {
  for (const service of services)
    if ("drain" in service && typeof service.drain === "function")
      try {
        await service.drain();
      } catch (error) {
        logger.error(`${service.name} could not drain`, { error });
      }
}

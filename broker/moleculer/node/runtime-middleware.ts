/** The runtime as a middleware: a broker that has it gives its services all they need, whoever starts it. */
import type { Middleware, ServiceBroker } from "moleculer";
import { topologyOf } from "../../bus/topology.ts";
import { moleculerMetrics } from "../../http/metrics.ts";
import { migrateUp, migrationStatus, migrationsOf } from "../../mongo/migrations.ts";
import type { Extension } from "../extension.ts";
import { transporterCheck } from "../operations/checks.ts";
import type { NodeRuntime } from "../runtime.ts";
import type { OpenRuntime } from "./open-runtime.ts";
import { bindPrefix, enterServices } from "./shop-id.ts";

export interface RuntimeMiddlewareOptions {
  /** All that the shop has: every node declares all queues, so that none misses what is sent before it starts. */
  shop: Extension;
  /** Runs when the databases are migrated and before the services start. */
  prepare?(runtime: NodeRuntime): Promise<void>;
}

/** Moleculer calls these in the order of a broker's life. */
export function runtimeMiddleware(
  { runtime, shop: identity, connected, withSlowAnswers, close }: OpenRuntime,
  { shop, prepare }: RuntimeMiddlewareOptions,
): Middleware {
  /** Why the node is not ready, apart from what it needs. */
  let phase: string | undefined = "is starting";
  runtime.operations.check({
    name: "node",
    async run() {
      if (phase) throw new Error(phase);
    },
  });
  return {
    name: "SoukRuntime",

    created(broker: ServiceBroker) {
      broker.souk = runtime;
      runtime.operations.check(transporterCheck(broker));
      runtime.operations.measure("moleculer", () => moleculerMetrics(broker.metrics));
      drainBeforeStop(broker, () => {
        phase = "is stopping";
      });
    },

    async starting(broker: ServiceBroker) {
      const services = broker.services
        .map((it) => it.name)
        .filter((name) => shop.contracts.some((it) => it.service === name));
      await enterServices({ service: runtime.database }, services, identity);
      if (runtime.config.MIGRATE_ON_START) await migrateAll(broker, shop, withSlowAnswers);
      await connected;
      if (runtime.bus.kind === "amqp" && identity.prefix === undefined)
        await bindPrefix({ service: runtime.database }, runtime.config.AMQP_PREFIX);
      await runtime.bus.declare(topologyOf(shop.contracts));
      await prepare?.(runtime);
    },

    async started() {
      phase = undefined;
    },

    async stopped() {
      await close();
    },
  };
}

async function migrateAll(
  { services, nodeID, souk }: ServiceBroker,
  { migrations }: Extension,
  withSlowAnswers: OpenRuntime["withSlowAnswers"],
): Promise<void> {
  const log = souk.logger("migrations");
  for (const { name } of services) {
    const all = await migrationsOf(migrations[name]);
    const status = await migrationStatus(souk.database(name), all);
    if (status.every((it) => it.appliedAt !== null)) continue;
    const applied = await withSlowAnswers(name, (database) => migrateUp(database, all, nodeID, souk.clock));
    if (applied.length > 0) log.info(`${name}: applied ${applied.join(", ")}`);
  }
}

/**
 * Lets services that take work from outside (the gateway) stop taking it and finish what they have, before any service
 * stops: requests that are under way still need them all. Moleculer's own hooks come too late for that, since it takes
 * the node's services out of the registry first. Stopped twice, a broker stops once.
 */
function drainBeforeStop(broker: ServiceBroker, stops: () => void): void {
  const stop = broker.stop.bind(broker);
  let stopping: Promise<void> | undefined;
  broker.stop = () => {
    stops();
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

/** The runtime as a middleware. It gives the services of any broker what they need. */
import type { Middleware, ServiceBroker } from "moleculer";
import type { Topology } from "../../bus/bus.ts";
import { topologyOf } from "../../bus/topology.ts";
import { moleculerMetrics } from "../../http/metrics.ts";
import { migrateUp, migrationStatus, migrationsOf } from "../../mongo/migrations.ts";
import type { Extension } from "../extension.ts";
import { transporterCheck } from "../operations/checks.ts";
import { registerRequestMetrics } from "../operations/request-metrics.ts";
import type { NodeRuntime } from "../runtime.ts";
import type { OpenRuntime } from "./open-runtime.ts";
import { bindPrefix, enterServices } from "./shop-id.ts";

export interface RuntimeMiddlewareOptions {
  /** The whole shop. Every node declares all queues, so that none misses messages sent before its start. */
  shop: Extension;
  /** Runs after the migrations and before the services start. */
  prepare?(runtime: NodeRuntime): Promise<void>;
}

/** Moleculer calls these in the order of a broker's life cycle. */
export function runtimeMiddleware(
  { runtime, shop: identity, connected, batchReaders, withSlowAnswers, close }: OpenRuntime,
  { shop, prepare }: RuntimeMiddlewareOptions,
): Middleware {
  /** Why the node is not ready, apart from its servers. */
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
      batchReaders.watch(broker);
      runtime.operations.check(transporterCheck(broker));
      runtime.operations.measure("moleculer", () => moleculerMetrics(broker.metrics));
      drainBeforeStop(broker, () => {
        phase = "is stopping";
      });
    },

    async starting(broker: ServiceBroker) {
      registerRequestMetrics(broker.metrics);
      const services = broker.services
        .map((it) => it.name)
        .filter((name) => shop.contracts.some((it) => it.service === name));
      await enterServices({ service: runtime.database }, services, identity);
      if (runtime.config.MIGRATE_ON_START) await migrateAll(broker, shop, withSlowAnswers);
      await connected;
      if (runtime.bus.kind === "amqp" && identity.prefix === undefined)
        await bindPrefix({ service: runtime.database }, runtime.config.AMQP_PREFIX);
      await runtime.bus.declare(topologyHere(runtime, shop, services));
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

/**
 * All queues of the shop. In the process, no other node takes what a tap gets, so a tap of a service that does not run
 * here would only keep the outboxes full.
 */
function topologyHere(
  { bus, config }: NodeRuntime,
  { contracts }: Extension,
  services: readonly string[],
): Topology {
  const topology = topologyOf(contracts, config.variables);
  if (bus.kind === "amqp") return topology;
  return { ...topology, taps: topology.taps.filter((it) => services.includes(it.service)) };
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
 * Lets services with outside clients (the gateway) finish their requests before any service stops, because those
 * requests need all services. Moleculer's own hooks run too late, after it has removed the node's services from the
 * registry. A broker that is stopped twice stops once.
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

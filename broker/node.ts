/** A node: one Moleculer broker with its services, the bus and the database, started and stopped in order. */
import { join } from "node:path";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { startEmbeddedMongo } from "../embedded/mongo/index.ts";
import { createAmqpBus } from "./bus/amqp.ts";
import type { Bus } from "./bus/bus.ts";
import { busStatsService } from "./bus/bus-metrics.ts";
import { mongoDeadLetters } from "./bus/dead-letters.ts";
import { createLocalBus } from "./bus/local.ts";
import { topologyOf } from "./bus/topology.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import type { ServiceContract } from "./contract.ts";
import { connectDatabase, type Database } from "./database.ts";
import { migrateUp, migrationsOf } from "./migrations.ts";
import { brokerOptions } from "./moleculer-options.ts";
import type { Log, NodeRuntime } from "./runtime.ts";

export interface NodeOptions {
  config: Config;
  services: readonly ServiceSchema[];
  /** Contracts of the whole shop: every node declares all queues, so that none misses what is sent before it starts. */
  contracts: readonly ServiceContract[];
  clock?: Clock;
  /** Runs when the databases are migrated and before the services start. */
  prepare?(runtime: NodeRuntime): Promise<void>;
}

export interface SoukNode {
  readonly broker: ServiceBroker;
  readonly runtime: NodeRuntime;
  /** Drains and closes everything; safe to call twice. */
  stop(): Promise<void>;
}

/** Starts a node; resolves when its services serve. Waits for RabbitMQ and MongoDB where they are away. */
export async function startNode({
  config,
  services,
  contracts,
  clock = systemClock,
  prepare,
}: NodeOptions): Promise<SoukNode> {
  const broker = new ServiceBroker(brokerOptions(config));
  const undo: (() => Promise<unknown>)[] = [];
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= (async () => {
      for (const step of undo.reverse()) await step();
    })();
    return stopping;
  };
  try {
    const database = await openDatabase(config, broker.getLogger("database"), undo);
    // Before RabbitMQ is waited for: so a node that starts together with it has less to do once it is there.
    if (config.MIGRATE_ON_START)
      await migrateAll(services, database, clock, broker.nodeID, broker.getLogger("migrations"));
    const bus = await openBus(config, broker, database, clock);
    undo.push(() => bus.close());
    await bus.declare(topologyOf(contracts));
    const runtime: NodeRuntime = {
      config,
      clock,
      bus,
      database: database.service,
      pingDatabase: database.ping,
      logger: (module) => broker.getLogger(module),
    };
    broker.souk = runtime;
    await prepare?.(runtime);
    broker.createService(busStatsService(bus));
    for (const service of services) broker.createService(service);
    undo.push(() => broker.stop());
    // Before any service stops: requests that are under way still need them all.
    undo.push(() => drainServices(broker));
    await broker.start();
    return { broker, runtime, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Lets services that take work from outside (the gateway) stop taking it and finish what they have. */
async function drainServices(broker: ServiceBroker): Promise<void> {
  for (const service of broker.services)
    if ("drain" in service && typeof service.drain === "function") await service.drain();
}

async function openDatabase(config: Config, log: Log, undo: (() => Promise<unknown>)[]): Promise<Database> {
  let uri = config.MONGO_URL;
  if (!uri) {
    const store = await startEmbeddedMongo({
      dir: join(config.DATA_DIR, "mongo"),
      sync: config.EMBEDDED_SYNC,
    });
    undo.push(() => store.close());
    uri = store.uri;
  }
  const database = await connectDatabase(uri, log);
  undo.push(() => database.close());
  return database;
}

async function openBus(
  config: Config,
  broker: ServiceBroker,
  database: Database,
  clock: Clock,
): Promise<Bus> {
  const log = broker.getLogger("bus");
  if (!config.AMQP_URL)
    return createLocalBus({ deadLetters: mongoDeadLetters(database.service("bus")), log, clock });
  return createAmqpBus({ url: config.AMQP_URL, prefix: config.AMQP_PREFIX, name: broker.nodeID, log, clock });
}

async function migrateAll(
  services: readonly ServiceSchema[],
  database: Database,
  clock: Clock,
  by: string,
  log: Log,
): Promise<void> {
  for (const { name = "" } of services) {
    const all = await migrationsOf(name);
    if (all.length === 0) continue;
    const applied = await migrateUp(database.service(name), all, by, clock);
    if (applied.length > 0) log.info(`${name}: applied ${applied.join(", ")}`);
  }
}

/** Opens what a node's services need, before its broker is made: operations port, store, database, bus. */

import { startEmbeddedMongo } from "@souk/embedded-mongo";
import { type BrokerOptions, ServiceBroker } from "moleculer";
import { type AmqpBusOptions, openAmqpBus } from "../../bus/amqp/amqp-bus.ts";
import type { Bus } from "../../bus/bus.ts";
import { busMetrics } from "../../bus/bus-metrics.ts";
import { mongoDeadLetters } from "../../bus/local/dead-letters.ts";
import { createLocalBus } from "../../bus/local/local-bus.ts";
import { ConfigError } from "../../contract/variables.ts";
import { openFiles } from "../../files/open-files.ts";
import { connectDatabases, type Database } from "../../mongo/database.ts";
import { ownDatabases } from "../../mongo/service-databases.ts";
import type { Clock } from "../../resilience/clock.ts";
import type { Log } from "../../resilience/log.ts";
import type { SoukBrokerOptions } from "../broker-options.ts";
import type { Config } from "../config.ts";
import type { Extension } from "../extension.ts";
import { busCheck, databaseCheck } from "../operations/checks.ts";
import { createOperations, type Operations } from "../operations/operations.ts";
import { startOperationsServer } from "../operations/server.ts";
import type { NodeRuntime } from "../runtime.ts";
import type { BatchReaders } from "../transport/batch-readers.ts";
import { storeFolder } from "./data-folder.ts";
import { identifyShop, type ShopIdentity } from "./shop-id.ts";
import { soleWriter } from "./sole-writer.ts";

export interface OpenRuntime {
  readonly runtime: NodeRuntime;
  /** For migrations. See {@link Database}. */
  readonly withSlowAnswers: Database["withSlowAnswers"];
  readonly shop: ShopIdentity;
  /** Resolves when RabbitMQ is connected, where it is configured. Nothing is sent before. */
  readonly connected: Promise<void>;
  /** It needs the node's broker. */
  readonly batchReaders: BatchReaders;
  /** Closes bus, database, store and operations port, in that order. Safe to call twice. */
  close(): Promise<void>;
}

export interface Services {
  /** The whole shop. */
  readonly shop: Extension;
  /** Services of this node. Default: all. */
  readonly here?: readonly string[] | undefined;
  /** Work for the time in which the store starts, in a thread of its own, and the database answers. */
  meanwhile?(): Promise<unknown>;
}

/**
 * Resolves when the database answers. Connecting to RabbitMQ only starts here. Meanwhile the node migrates its
 * database. So a node that starts together with RabbitMQ has less to do later.
 */
export async function openRuntime(
  config: Config,
  services: Services,
  options: SoukBrokerOptions,
  clock: Clock,
  batchReaders: BatchReaders,
): Promise<OpenRuntime> {
  const logger = loggerOf(options);
  const operations = createOperations();
  const undo: (() => Promise<unknown>)[] = [];
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= (async () => {
      for (const step of undo.reverse()) await step();
    })();
    return closing;
  };
  try {
    let runtime: NodeRuntime | undefined;
    operations.check(databaseCheck(() => runtime?.pingDatabase, logger("database")));
    operations.check(busCheck(() => runtime?.bus));
    await openOperationsPort(config, operations, logger("operations"), undo);
    const opening = openDatabase(config, services, logger("database"), undo);
    const loading = services.meanwhile?.();
    // A failure counts once the database is open, so that it can be closed.
    loading?.catch(() => undefined);
    const { database, isSoleWriter } = await opening;
    await loading;
    const shop = await identifyShop(database, namesOf(services.shop));
    checkMessages(config, shop, logger("shop"));
    const { bus, connected } = openBus(config, {
      name: options.nodeID,
      shop: shop.id,
      database,
      clock,
      log: logger("bus"),
      readsBatches: () => batchReaders.all(),
    });
    undo.push(() => bus.close());
    operations.measure("bus", () => busMetrics(bus.stats));
    // It is awaited later, or never if the node stops before.
    connected.catch(() => undefined);
    runtime = {
      config,
      shop: services.shop,
      clock,
      bus,
      files: openFiles(config),
      database: database.service,
      isSoleWriter,
      pingDatabase: database.ping,
      logger,
      operations,
    };
    return { runtime, shop, connected, batchReaders, close, withSlowAnswers: database.withSlowAnswers };
  } catch (error) {
    await close();
    throw error;
  }
}

const namesOf = ({ contracts }: Extension): string[] => contracts.map((it) => it.service);

/** A log for the time before there is a broker, in the broker's format. */
function loggerOf({ nodeID, namespace, logger, logLevel }: BrokerOptions): (module: string) => Log {
  const broker = new ServiceBroker({
    nodeID,
    namespace,
    logger,
    logLevel,
    internalServices: false,
    skipProcessEventRegistration: true,
  } as BrokerOptions);
  return (module) => broker.getLogger(module);
}

async function openOperationsPort(
  { OPS_PORT = 0, OPS_HOST, METRICS }: Config,
  operations: Operations,
  log: Log,
  undo: (() => Promise<unknown>)[],
): Promise<void> {
  if (OPS_PORT === "off") return;
  const server = await startOperationsServer({
    host: OPS_HOST,
    port: OPS_PORT,
    operations,
    metrics: METRICS === "on",
    log,
  });
  undo.push(() => server.close());
  log.info(`health and metrics of this node at ${server.url}`);
}

async function openDatabase(
  config: Config,
  { shop, here = namesOf(shop) }: Services,
  log: Log,
  undo: (() => Promise<unknown>)[],
): Promise<{ database: Database } & Pick<NodeRuntime, "isSoleWriter">> {
  const own = new Map([...ownDatabases(config, namesOf(shop))].filter(([service]) => here.includes(service)));
  let uri = config.MONGO_URL;
  if (!uri) {
    const store = await startEmbeddedMongo({
      dir: storeFolder(config),
      sync: config.EMBEDDED_SYNC,
    });
    undo.push(() => store.close());
    uri = store.uri;
  }
  const database = await connectDatabases(uri, own, log);
  undo.push(() => database.close());
  return { database, isSoleWriter: soleWriter(config, own) };
}

/**
 * Checks where the shop's messages are, which the database knows. A shop whose messages are on RabbitMQ must not use
 * the in-process bus.
 * @throws {ConfigError}
 */
function checkMessages(
  { AMQP_URL, AMQP_PREFIX, MONGO_URL }: Config,
  { id, prefix }: ShopIdentity,
  log: Log,
): void {
  if (prefix === undefined) return;
  if (AMQP_URL && prefix !== AMQP_PREFIX)
    throw new ConfigError(
      `AMQP_PREFIX: the database is of shop ${id}, whose messages are under AMQP_PREFIX=${prefix}, not ${AMQP_PREFIX}; ` +
        `if they are meant to move: AMQP_PREFIX=${AMQP_PREFIX} npm run shop -- move`,
    );
  if (AMQP_URL) return;
  if (MONGO_URL)
    throw new ConfigError(
      `AMQP_URL: must be set: the database is of shop ${id}, whose messages are on RabbitMQ (AMQP_PREFIX=${prefix})`,
    );
  // No other process can have opened the embedded store.
  log.warn(
    `shop ${id} has had its messages on RabbitMQ; what is left there waits until it runs with AMQP_URL again`,
  );
}

function openBus(
  { AMQP_URL, AMQP_PREFIX }: Config,
  { database, ...options }: Omit<AmqpBusOptions, "url" | "prefix"> & { clock: Clock; database: Database },
): { bus: Bus; connected: Promise<void> } {
  if (AMQP_URL) return openAmqpBus({ ...options, url: AMQP_URL, prefix: AMQP_PREFIX });
  const { log, clock } = options;
  const bus = createLocalBus({ deadLetters: mongoDeadLetters(database.service("bus")), log, clock });
  return { bus, connected: Promise.resolve() };
}

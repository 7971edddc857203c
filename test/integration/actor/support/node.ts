/** A node of the toy shop, on a given bus and database: a Moleculer broker, both actor hosts and the payment worker. */

import { type BrokerOptions, ServiceBroker } from "moleculer";
import mongoose, { type Connection } from "mongoose";
import { createActorHost } from "../../../../broker/actor/runtime/actor-host.ts";
import type { CrashPoints } from "../../../../broker/actor/runtime/crash-points.ts";
import type { ActorHost } from "../../../../broker/actor/runtime/document/actor-host.types.ts";
import { actorModel, createActorIndexes } from "../../../../broker/actor/runtime/document/actor-model.ts";
import type { Tuning } from "../../../../broker/actor/runtime/tuning.ts";
import type { Bus, Consumption } from "../../../../broker/bus/bus.ts";
import { createLocalBus } from "../../../../broker/bus/local/local-bus.ts";
import { topologyOf } from "../../../../broker/bus/topology.ts";
import { type Envelope, envelope } from "../../../../broker/contract/envelope.ts";
import { derivedId } from "../../../../broker/contract/ids.ts";
import { loadConfig } from "../../../../broker/moleculer/config.ts";
import { extend } from "../../../../broker/moleculer/extension.ts";
import { createOperations } from "../../../../broker/moleculer/operations/operations.ts";
import type { NodeRuntime } from "../../../../broker/moleculer/runtime.ts";
import { type Clock, systemClock } from "../../../../broker/resilience/clock.ts";
import type { Log } from "../../../../broker/resilience/log.ts";
import { silentLog } from "../../../../broker/resilience/silent-log.ts";
import { memoryFiles } from "../../../../souk/testing/memory-files.ts";
import { memoryDeadLetters } from "../../../support/bus/memory-dead-letters.ts";
import {
  type OrderMessages,
  type OrderState,
  type StockMessages,
  type StockState,
  toy,
  toyOrder,
  toyStock,
} from "../../../unit/actor/support/toy.ts";

export interface ToyNode {
  readonly bus: Bus;
  readonly broker: ServiceBroker;
  readonly orders: ActorHost<OrderState, OrderMessages>;
  readonly stock: ActorHost<StockState, StockMessages>;
  readonly connection: Connection;
  stop(): Promise<void>;
}

export interface ToyNodeOptions {
  /** Of the database server. */
  uri: string;
  database?: string;
  nodeId?: string;
  bus?: Bus;
  clock?: Clock;
  log?: Log;
  crashPoints?: CrashPoints;
  tuning?: Partial<Tuning>;
  env?: "test" | "development";
  /** Whether no other node writes its database. */
  isSoleWriter?: boolean;
  /** Moleculer transporter, where nodes are to see each other. */
  transporter?: BrokerOptions["transporter"];
  namespace?: string;
  /** Whether its gauges can be read. */
  metrics?: boolean;
}

export async function startToyNode(options: ToyNodeOptions): Promise<ToyNode> {
  const {
    clock = systemClock,
    log = silentLog,
    crashPoints,
    tuning = {},
    env = "test",
    isSoleWriter = false,
  } = options;
  const bus = options.bus ?? createLocalBus({ deadLetters: memoryDeadLetters(), log, clock });
  const connection = await mongoose
    .createConnection(options.uri, {
      dbName: options.database ?? "souk_toy",
      serverSelectionTimeoutMS: 2_000,
    })
    .asPromise();
  for (const it of ["toyorder", "toystock"]) await createActorIndexes(connection, it);
  const broker = new ServiceBroker({
    logger: false,
    nodeID: options.nodeId ?? "toy",
    transporter: options.transporter ?? null,
    namespace: options.namespace ?? "",
    metrics: { enabled: options.metrics ?? false, reporter: [] },
  });
  const runtime: NodeRuntime = {
    shop: extend({ name: "test", contracts: [toy] }),
    config: loadConfig({ NODE_ENV: env }),
    clock,
    bus,
    database: () => connection,
    isSoleWriter: () => isSoleWriter,
    files: memoryFiles(),
    pingDatabase: async () => undefined,
    operations: createOperations(),
    logger: () => log,
  };
  const common = {
    runtime,
    broker,
    isSoleWriter,
    tuning,
    partitions: 4,
    ...(crashPoints ? { crashPoints } : {}),
  };
  const orders = createActorHost({
    ...common,
    definition: toyOrder,
    model: actorModel(toyOrder).bind(connection),
  });
  const stock = createActorHost({
    ...common,
    definition: toyStock,
    model: actorModel(toyStock).bind(connection),
  });
  await bus.declare(topologyOf([toy]));
  await broker.start();
  await orders.start();
  await stock.start();
  const till: Consumption = await bus.consumeWorker(
    { service: "toy", worker: "till", receives: toy.workers.till.receives },
    (message: Envelope) =>
      bus.publish(
        envelope(
          "toy.captured",
          (message.data as { orderId: string }).orderId,
          {},
          {
            source: "/toy",
            at: clock.now(),
            id: derivedId(message.id, "toy.captured"),
            cause: message,
          },
        ),
      ),
  );
  return {
    bus,
    broker,
    orders,
    stock,
    connection,
    async stop() {
      await till.stop(async () => undefined);
      await Promise.all([orders.stop(), stock.stop()]);
      await broker.stop();
      if (!options.bus) await bus.close();
      await connection.close();
    },
  };
}

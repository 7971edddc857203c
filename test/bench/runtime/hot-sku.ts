/** Cost of a reservation when a SKU has many open holds: `stock.reserve` through mailbox, fold, commit and outbox. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedMongo } from "@souk/embedded-mongo";
import { ServiceBroker as Broker, type ServiceBroker } from "moleculer";
import { createActorHost } from "../../../broker/actor/runtime/actor-host.ts";
import type { ActorDocument } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import {
  actorModel,
  createActorIndexes,
  createInboxArchive,
} from "../../../broker/actor/runtime/document/actor-model.ts";
import type { Bus } from "../../../broker/bus/bus.ts";
import { createLocalBus } from "../../../broker/bus/local/local-bus.ts";
import { topologyOf } from "../../../broker/bus/topology.ts";
import { envelope } from "../../../broker/contract/envelope.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { loadConfig } from "../../../broker/moleculer/config.ts";
import { extend } from "../../../broker/moleculer/extension.ts";
import { createOperations } from "../../../broker/moleculer/operations/operations.ts";
import type { NodeRuntime } from "../../../broker/moleculer/runtime.ts";
import { connectDatabase } from "../../../broker/mongo/database.ts";
import { systemClock } from "../../../broker/resilience/clock.ts";
import { inventory } from "../../../services/inventory/inventory.contract.ts";
import { newStock, type StockState, stockActor } from "../../../services/inventory/stock.actor.ts";
import { memoryFiles } from "../../../souk/testing/memory-files.ts";
import { memoryDeadLetters } from "../../support/bus/memory-dead-letters.ts";
import { cpuOfThread, cpuOfTree } from "../measure/processes.ts";

export interface HotSkuResult {
  holds: number;
  /** Reservations that are under way at once. */
  atOnce: number;
  /** Microseconds of CPU a message: the thread that has the actor, the store's, and V8's and libuv's helpers of both. */
  actor: number;
  store: number;
  helpers: number;
  /** Messages in one commit, on average. */
  batch: number;
}

const WARM_UP = 1_000;

/** Alternates reservations and releases, so that there are always about `holds` of them. */
export async function benchHotSku(holds: number, atOnce: number, messages: number): Promise<HotSkuResult> {
  const dir = await mkdtemp(join(tmpdir(), "souk-bench-hot-"));
  const mongo = await startEmbeddedMongo({ dir: join(dir, "mongo"), sync: "normal" });
  const broker: ServiceBroker = new Broker({ logger: false, nodeID: "bench", transporter: null });
  const log = broker.getLogger("bench");
  const database = await connectDatabase(mongo.uri, log);
  const connection = database.service("inventory");
  await createActorIndexes(connection, "stock");
  await createInboxArchive(connection, "stock");
  const bus = createLocalBus({ deadLetters: memoryDeadLetters(), log, clock: systemClock });
  const runtime: NodeRuntime = {
    shop: extend({ name: "test", contracts: [inventory] }),
    config: loadConfig({}),
    clock: systemClock,
    bus: withoutListeners(bus),
    database: () => connection,
    isSoleWriter: () => false,
    files: memoryFiles(),
    pingDatabase: () => database.ping(),
    operations: createOperations(),
    logger: () => log,
  };
  const model = actorModel(stockActor).bind(connection);
  const sku = "HOT";
  await model.insertMany([hotStock(sku, holds)]);
  const stock = createActorHost({
    definition: stockActor,
    model,
    runtime,
    broker,
  });
  await bus.declare(topologyOf([inventory]));
  await broker.start();
  await stock.start();

  async function reserve(count: number): Promise<void> {
    let left = count / 2;
    const source = "/bench";
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (left-- > 0) {
          const orderId = newId();
          const at = Date.now();
          const { state } = await stock.apply(sku, "stock.reserve", { orderId, quantity: 1 });
          const { generation = 0 } = state.holds[orderId] ?? {};
          await bus.publish(envelope("stock.release", sku, { orderId, generation }, { source, at }));
        }
      }),
    );
  }

  try {
    await reserve(WARM_UP);
    const [commits, start] = [stock.stats.commits, cpuNow()];
    await reserve(messages);
    const end = cpuNow();
    return {
      holds,
      atOnce,
      actor: ((end.actor - start.actor) * 1_000) / messages,
      store: ((end.store - start.store) * 1_000) / messages,
      helpers: ((end.helpers - start.helpers) * 1_000) / messages,
      batch: messages / (stock.stats.commits - commits),
    };
  } finally {
    await stock.stop();
    await broker.stop();
    await bus.close();
    await database.close();
    await mongo.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** No service listens here. A message of the stock counts as delivered when it is sent. */
function withoutListeners(bus: Bus): Bus {
  return {
    kind: bus.kind,
    state: "connected",
    stats: bus.stats,
    declare: (topology) => bus.declare(topology),
    publish: async () => undefined,
    consumeMailboxes: (...args) => bus.consumeMailboxes(...args),
    consumeWorker: (...args) => bus.consumeWorker(...args),
    recordsApplied: false,
    record: (message) => bus.record(message),
    consumeTap: (...args) => bus.consumeTap(...args),
    close: () => bus.close(),
  };
}

function hotStock(sku: string, holds: number): ActorDocument<StockState> {
  const open = Array.from({ length: holds }, (_, n) => [randomUUID(), { quantity: 1, generation: n + 1 }]);
  return {
    _id: sku,
    version: 1,
    state: {
      ...newStock(1_000_000),
      held: holds,
      holds: Object.fromEntries(open),
      nextGeneration: holds + 1,
    },
    inbox: {},
    outbox: [],
    timers: [],
    sent: 0,
    commit: "bench",
  };
}

/** Milliseconds. */
function cpuNow(): { actor: number; store: number; helpers: number } {
  const { user, system } = process.threadCpuUsage();
  const [actor, store] = [(user + system) / 1_000, cpuOfThread(process.pid, "embedded-mongo")];
  return { actor, store, helpers: cpuOfTree(process.pid) - actor - store };
}

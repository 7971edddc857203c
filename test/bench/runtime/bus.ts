/**
 * Messages per second from one actor's outbox over RabbitMQ into another actor's commit. For comparison, plain
 * amqplib uses the same queues, sizes and window, in alternate rounds. Both run in this process, with the store as
 * its thread.
 */

import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startEmbeddedMongo } from "@souk/embedded-mongo";
import { ServiceBroker } from "moleculer";
import { createActorHost } from "../../../broker/actor/runtime/actor-host.ts";
import {
  actorModel,
  createActorIndexes,
  createInboxArchive,
} from "../../../broker/actor/runtime/document/actor-model.ts";
import { defaultTuning } from "../../../broker/actor/runtime/tuning.ts";
import { createAmqpBus } from "../../../broker/bus/amqp/amqp-bus.ts";
import { connectToAny } from "../../../broker/bus/amqp/connect-once.ts";
import type { Bus } from "../../../broker/bus/bus.ts";
import { topologyOf } from "../../../broker/bus/topology.ts";
import { envelope } from "../../../broker/contract/envelope.ts";
import { loadConfig } from "../../../broker/moleculer/config.ts";
import { extend } from "../../../broker/moleculer/extension.ts";
import { createOperations } from "../../../broker/moleculer/operations/operations.ts";
import type { NodeRuntime } from "../../../broker/moleculer/runtime.ts";
import { connectDatabase } from "../../../broker/mongo/database.ts";
import { systemClock } from "../../../broker/resilience/clock.ts";
import type { Log } from "../../../broker/resilience/log.ts";
import { memoryFiles } from "../../../souk/testing/memory-files.ts";
import { deleteTopology } from "../../support/bus/delete-topology.ts";
import { cpuOfThread, cpuOfTree } from "../measure/processes.ts";
import type { BenchRabbit } from "../shop/bench-rabbit.ts";
import { type RawRound, startRaw } from "./bus-raw.ts";
import { busBench, busOrder, busStock } from "./bus-shop.ts";

/** Rounds until V8 has compiled what runs often, on both sides; they do not count. */
const WARM_UP = 4;
const SKUS = Array.from({ length: 1_000 }, (_, n) => `SKU-${String(n).padStart(5, "0")}`);
/** Orders that are being placed at once. */
const USERS = 512;
const STALLED_MS = 60_000;

/** Running sums of 1/rank (Zipf): how demand spreads over the SKUs of a shop. */
let sum = 0;
const DEMAND = SKUS.map((_, rank) => (sum += 1 / (rank + 1)));

function demanded(chance: number): string {
  const at = chance * sum;
  return SKUS[DEMAND.findIndex((it) => it >= at)] ?? "";
}

export interface BusRound {
  souk: number;
  raw: RawRound;
  cpu: { souk: BusCpu; raw: BusCpu };
}

/** Microseconds of CPU a message. */
export interface BusCpu {
  /** This process, with the store in it. */
  node: number;
  store: number;
  rabbitmq: number;
}

export interface BusShape {
  /** Messages that one commit puts into the outbox. */
  lines: number;
  /**
   * `new`: each commit is of another actor, as when orders are placed; the receivers' inboxes grow with them. `standing`:
   * the same actors send again and again.
   */
  senders: "new" | "standing";
  /**
   * Where the time starts. `commit`: at the senders, including their own commits. `outbox`: after all commits, before
   * sending.
   */
  from: "commit" | "outbox";
}

/**
 * @param messages per round, a multiple of `lines`
 * @param counted rounds after the warm-up
 * @returns one entry per round, without the warm-up
 * @throws when not every message took effect once
 */
export async function benchBus(
  { url, pid }: BenchRabbit,
  messages: number,
  shape: BusShape,
  counted: number,
): Promise<BusRound[]> {
  const cpuNow = (): BusCpu => ({
    node: cpuOfTree(process.pid) - cpuOfTree(pid),
    store: cpuOfThread(process.pid, "embedded-mongo"),
    rabbitmq: cpuOfTree(pid),
  });
  const prefix = `bench-${randomBytes(4).toString("hex")}`;
  const topology = topologyOf([busBench]);
  const cause = { id: randomUUID() };
  const sample = {
    ...envelope(
      "busbench.reserve",
      SKUS[0] ?? "",
      { orderId: randomUUID(), quantity: 1 },
      { source: "/busbench", at: Date.now(), cause },
    ),
    sender: `busorder/${randomUUID()}`,
    sequence: 1,
  };
  const { window, prefetch } = defaultTuning;
  const rawPrefix = `${prefix}-raw`;
  const dir = await mkdtemp(join(tmpdir(), "souk-bench-bus-"));
  try {
    const raw = await startRaw({
      url,
      prefix: rawPrefix,
      topology,
      content: Buffer.from(JSON.stringify(sample)),
      properties: { contentType: "application/cloudevents+json", messageId: sample.id },
      window,
      prefetch,
    });
    const souk = await startSouk(url, prefix, shape, dir, cpuNow);
    const rounds: BusRound[] = [];
    try {
      for (let n = 0; n < WARM_UP + counted; n++) {
        const { perSecond, start } = await souk.round(messages);
        const between = cpuNow();
        const yardstick = await raw.round(messages);
        const cpu = {
          souk: cpuBetween(start, between, messages),
          raw: cpuBetween(between, cpuNow(), messages),
        };
        if (n >= WARM_UP) rounds.push({ souk: perSecond, raw: yardstick, cpu });
      }
    } finally {
      await souk.close();
      await raw.close();
    }
    return rounds;
  } finally {
    await rm(dir, { recursive: true, force: true });
    for (const it of [prefix, rawPrefix]) await removeQueues(url, it);
  }
}

/** A bus that holds its messages, in order, until it is opened. */
function heldBack(bus: Bus) {
  let opened: PromiseWithResolvers<void> | undefined;
  return {
    hold: () => {
      opened = Promise.withResolvers<void>();
    },
    open: () => {
      opened?.resolve();
      opened = undefined;
    },
    bus: {
      kind: bus.kind,
      get state() {
        return bus.state;
      },
      stats: bus.stats,
      declare: (topology) => bus.declare(topology),
      publish: (message) => (opened ? opened.promise.then(() => bus.publish(message)) : bus.publish(message)),
      consumeMailboxes: (...args) => bus.consumeMailboxes(...args),
      consumeWorker: (...args) => bus.consumeWorker(...args),
      recordsApplied: false,
      record: (message) => bus.record(message),
      consumeTap: (...args) => bus.consumeTap(...args),
      close: () => bus.close(),
    } satisfies Bus,
  };
}

async function startSouk(
  url: string,
  prefix: string,
  { lines, senders, from }: BusShape,
  dir: string,
  cpuNow: () => BusCpu,
) {
  const mongo = await startEmbeddedMongo({ dir, sync: "normal" });
  const broker = new ServiceBroker({
    logger: { type: "Console", options: { level: "warn" } },
    nodeID: prefix,
    transporter: null,
  });
  const log: Log = broker.getLogger("bench");
  const database = await connectDatabase(mongo.uri, log);
  const connection = database.service("busbench");
  for (const it of ["busorder", "busstock"]) {
    await createActorIndexes(connection, it);
    await createInboxArchive(connection, it);
  }
  const bus: Bus = await createAmqpBus({
    url,
    prefix,
    name: prefix,
    log,
    readsBatches: () => true,
  });
  const runtime: NodeRuntime = {
    shop: extend({ name: "test", contracts: [busBench] }),
    config: loadConfig({}),
    clock: systemClock,
    bus,
    database: () => connection,
    isSoleWriter: () => false,
    files: memoryFiles(),
    pingDatabase: () => database.ping(),
    operations: createOperations(),
    logger: () => log,
  };
  const common = { runtime, broker, partitions: undefined };
  const outboxes = heldBack(bus);
  const orders = createActorHost({
    ...common,
    runtime: { ...runtime, bus: outboxes.bus },
    definition: busOrder,
    model: actorModel(busOrder).bind(connection),
  });
  const stock = createActorHost({
    ...common,
    definition: busStock,
    model: actorModel(busStock).bind(connection),
  });
  await bus.declare(topologyOf([busBench]));
  await broker.start();
  await orders.start();
  await stock.start();

  let sent = 0;
  const units = async () => {
    const found = await stock.readMany(SKUS);
    return found.reduce((sum, it) => sum + it.state.units, 0);
  };
  async function place(count: number): Promise<void> {
    let left = count / lines;
    await Promise.all(
      Array.from({ length: USERS }, async (_, user) => {
        while (left-- > 0) {
          const skus = Array.from({ length: lines }, () => demanded(Math.random()));
          sent += lines;
          await orders.apply(senders === "new" ? randomUUID() : `order-${user}`, "busbench.place", { skus });
        }
      }),
    );
  }

  return {
    /** @returns messages per second until the last commit, and the CPU time used before the start */
    async round(messages: number): Promise<{ perSecond: number; start: BusCpu }> {
      const until = sent + messages;
      if (from === "outbox") {
        outboxes.hold();
        await place(messages);
      }
      const [start, started] = [cpuNow(), performance.now()];
      if (from === "outbox") outboxes.open();
      else await place(messages);
      while (stock.stats.applied < until) {
        if (performance.now() - started > STALLED_MS)
          throw new Error(`only ${stock.stats.applied} of ${until} were applied`);
        await sleep(2);
      }
      const seconds = (performance.now() - started) / 1_000;
      // By now, any second application has happened.
      await sleep(500);
      const applied = await units();
      if (applied !== until) throw new Error(`${until} messages were sent and ${applied} took effect`);
      return { perSecond: messages / seconds, start };
    },
    async close(): Promise<void> {
      await Promise.all([orders.stop(), stock.stop()]);
      await broker.stop();
      await bus.close();
      await database.close();
      await mongo.close();
    },
  };
}

async function removeQueues(url: string, prefix: string): Promise<void> {
  const connection = await connectToAny(url);
  try {
    const channel = await connection.createChannel();
    await deleteTopology(channel, prefix, [busBench]);
  } finally {
    await connection.close();
  }
}

function cpuBetween(before: BusCpu, after: BusCpu, messages: number): BusCpu {
  const each = (name: keyof BusCpu) => ((after[name] - before[name]) * 1_000) / messages;
  return { node: each("node"), store: each("store"), rabbitmq: each("rabbitmq") };
}

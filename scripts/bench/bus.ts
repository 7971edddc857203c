/**
 * Messages per second from an actor's outbox over RabbitMQ into another actor's commit, beside what plain amqplib
 * does with the same queues, sizes and window, in rounds by turns. Both in this one process, the store as its thread.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "amqplib";
import { ServiceBroker } from "moleculer";
import { createActorHost } from "../../broker/actor/actor-host.ts";
import { actorModel, createActorIndexes } from "../../broker/actor/actor-model.ts";
import { defaultTuning } from "../../broker/actor/tuning.ts";
import { createAmqpBus } from "../../broker/bus/amqp.ts";
import type { Bus } from "../../broker/bus/bus.ts";
import { envelope } from "../../broker/bus/envelope.ts";
import {
  deadExchangeName,
  deadQueueName,
  exchangeName,
  queueName,
  queuesOf,
  topologyOf,
} from "../../broker/bus/topology.ts";
import { systemClock } from "../../broker/clock.ts";
import { loadConfig } from "../../broker/config.ts";
import { connectDatabase } from "../../broker/database.ts";
import type { Log, NodeRuntime } from "../../broker/runtime.ts";
import { startEmbeddedMongo } from "../../embedded/mongo/index.ts";
import { type RawRound, startRaw } from "./bus-raw.ts";
import { type BusOrder, type BusStock, busBench, busOrder, busStock } from "./bus-shop.ts";

const ROUNDS = 3;
const SKUS = Array.from({ length: 1_000 }, (_, n) => `SKU-${String(n).padStart(5, "0")}`);
/** Orders that are being placed at once. */
const USERS = 512;
const STALLED_MS = 60_000;

export interface BusRound {
  souk: number;
  raw: RawRound;
}

/** @param messages per round, a multiple of `lines`. @param lines messages that one commit puts into the outbox. @returns a round each, the warm-up left out. @throws when not every message took effect once */
export async function benchBus(url: string, messages: number, lines: number): Promise<BusRound[]> {
  const prefix = `bench-${randomBytes(4).toString("hex")}`;
  const topology = topologyOf([busBench]);
  const sample = envelope(
    "busbench.reserve",
    SKUS[0] ?? "",
    { orderId: randomUUID(), quantity: 1 },
    { source: "/busbench", at: Date.now() },
  );
  const { window, prefetch } = defaultTuning;
  const rawPrefix = `${prefix}-raw`;
  try {
    const raw = await startRaw({
      url,
      prefix: rawPrefix,
      topology,
      content: Buffer.from(JSON.stringify(sample)),
      window,
      prefetch,
    });
    const souk = await startSouk(url, prefix, lines);
    const rounds: BusRound[] = [];
    try {
      for (let n = 0; n <= ROUNDS; n++) {
        const round = { souk: await souk.round(messages), raw: await raw.round(messages) };
        if (n > 0) rounds.push(round);
      }
    } finally {
      await souk.close();
      await raw.close();
    }
    return rounds;
  } finally {
    for (const it of [prefix, rawPrefix]) await removeQueues(url, it);
  }
}

async function startSouk(url: string, prefix: string, lines: number) {
  const dir = await mkdtemp(join(tmpdir(), "souk-bench-bus-"));
  const mongo = await startEmbeddedMongo({ dir, sync: "normal" });
  const broker = new ServiceBroker({
    logger: { type: "Console", options: { level: "warn" } },
    nodeID: prefix,
    transporter: null,
  });
  const log: Log = broker.getLogger("bench");
  const database = await connectDatabase(mongo.uri, log);
  const connection = database.service("busbench");
  for (const it of ["busorder", "busstock"]) await createActorIndexes(connection, it);
  const bus: Bus = await createAmqpBus({ url, prefix, name: prefix, log });
  const runtime: NodeRuntime = {
    config: loadConfig({}),
    clock: systemClock,
    bus,
    database: () => connection,
    pingDatabase: () => database.ping(),
    logger: () => log,
  };
  const common = { runtime, broker, partitions: undefined };
  const orders = createActorHost({
    ...common,
    definition: busOrder,
    mailbox: [],
    model: actorModel<BusOrder>("busorder").bind(connection),
  });
  const stock = createActorHost({
    ...common,
    definition: busStock,
    mailbox: busBench.actors.busstock.receives,
    model: actorModel<BusStock>("busstock").bind(connection),
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
      Array.from({ length: USERS }, async () => {
        while (left-- > 0) {
          const skus = Array.from({ length: lines }, () => SKUS[sent++ % SKUS.length] ?? "");
          await orders.apply(randomUUID(), "busbench.place", { skus });
        }
      }),
    );
  }

  return {
    /** @returns messages per second, from the first order to the last commit */
    async round(messages: number): Promise<number> {
      const started = performance.now();
      const until = sent + messages;
      await place(messages);
      // What has been received has been handed over once per commit; the books are looked at when it is all.
      while (stock.stats.received < until) {
        if (performance.now() - started > STALLED_MS)
          throw new Error(`only ${stock.stats.received} of ${until} came`);
        await sleep(5);
      }
      while ((await units()) < until) await sleep(5);
      const seconds = (performance.now() - started) / 1_000;
      // Whatever would be applied twice has come by then.
      await sleep(500);
      const applied = await units();
      if (applied !== until) throw new Error(`${until} messages were sent and ${applied} took effect`);
      return messages / seconds;
    },
    async close(): Promise<void> {
      await Promise.all([orders.stop(), stock.stop()]);
      await broker.stop();
      await bus.close();
      await database.close();
      await mongo.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function removeQueues(url: string, prefix: string): Promise<void> {
  const connection = await connect(url);
  try {
    const channel = await connection.createChannel();
    for (const { name } of queuesOf(topologyOf([busBench]))) {
      await channel.deleteQueue(queueName(prefix, name));
      await channel.deleteQueue(deadQueueName(queueName(prefix, name)));
    }
    await channel.deleteExchange(exchangeName(prefix));
    await channel.deleteExchange(deadExchangeName(prefix));
  } finally {
    await connection.close();
  }
}

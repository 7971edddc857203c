/**
 * A node of counting actors in a separate process, on real RabbitMQ. Tells its parent every commit, and stops in
 * order on SIGTERM.
 * Arguments: its name, MongoDB's address, prefix of the queues and Moleculer namespace.
 */

import { ServiceBroker } from "moleculer";
import mongoose from "mongoose";
import { createActorHost } from "../../../../broker/actor/runtime/actor-host.ts";
import { actorModel, createActorIndexes } from "../../../../broker/actor/runtime/document/actor-model.ts";
import { createAmqpBus } from "../../../../broker/bus/amqp/amqp-bus.ts";
import { topologyOf } from "../../../../broker/bus/topology.ts";
import { brokerOptions } from "../../../../broker/moleculer/broker-options.ts";
import { loadConfig } from "../../../../broker/moleculer/config.ts";
import { extend } from "../../../../broker/moleculer/extension.ts";
import { createOperations } from "../../../../broker/moleculer/operations/operations.ts";
import type { NodeRuntime } from "../../../../broker/moleculer/runtime.ts";
import { systemClock } from "../../../../broker/resilience/clock.ts";
import { silentLog } from "../../../../broker/resilience/silent-log.ts";
import { memoryFiles } from "../../../../souk/testing/memory-files.ts";
import { SIDES, tally, tallyActor } from "./tally.ts";

/** What a node tells. */
export type Told = { ready: true } | { side: string; actor: string; at: number };

const [name = "", uri = "", prefix = "", url = ""] = process.argv.slice(2);
const tell = (told: Told) => process.send?.(told);

const config = loadConfig({
  NODE_ENV: "development",
  NODE_ID: name,
  NAMESPACE: prefix,
  AMQP_URL: url,
  LOG_LEVEL: "fatal",
  METRICS: "off",
});
const connection = await mongoose.createConnection(uri, { dbName: prefix }).asPromise();
for (const side of SIDES) await createActorIndexes(connection, `tally${side}`);
const bus = await createAmqpBus({ url, prefix, name, log: silentLog });
const broker = new ServiceBroker(brokerOptions(config));
const runtime: NodeRuntime = {
  shop: extend({ name: "test", contracts: [tally] }),
  config,
  clock: systemClock,
  bus,
  database: () => connection,
  isSoleWriter: () => false,
  files: memoryFiles(),
  pingDatabase: async () => undefined,
  operations: createOperations(),
  logger: () => silentLog,
};
await bus.declare(topologyOf([tally]));
const hosts = SIDES.map((side) =>
  createActorHost({
    definition: tallyActor(side),
    model: actorModel(tallyActor(side)).bind(connection),
    runtime,
    broker,
    crashPoints: (point, actor) => {
      if (point === "after-commit") tell({ side, actor, at: Date.now() });
    },
  }),
);
await broker.start();
for (const host of hosts) await host.start();
tell({ ready: true });

process.once("SIGTERM", async () => {
  await Promise.all(hosts.map((it) => it.stop()));
  await broker.stop();
  await bus.close();
  await connection.close();
  process.exit(0);
});

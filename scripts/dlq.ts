/** `npm run dlq -- list|show|replay|drop`: messages that were given up, shown, sent again or thrown away. */
import { ServiceBroker } from "moleculer";
import { mongoDeadLetters } from "../broker/bus/dead-letters.ts";
import {
  amqpDeadQueues,
  checkQueueName,
  type DeadEntry,
  type DeadQueues,
  storedDeadQueues,
} from "../broker/bus/dead-queues.ts";
import { topologyOf } from "../broker/bus/topology.ts";
import type { Config } from "../broker/config.ts";
import { storeFolder } from "../broker/data-folder.ts";
import { connectDatabase } from "../broker/database.ts";
import { brokerOptions } from "../broker/moleculer-options.ts";
import { runningStoreUri, startEmbeddedMongo } from "../embedded/mongo/index.ts";
import { contracts } from "../services/contracts.ts";
import { configOrExit } from "./support/run-node.ts";

const USAGE = `usage: npm run dlq -- list
       npm run dlq -- show <queue> [n]
       npm run dlq -- replay <queue> [id…]
       npm run dlq -- drop <queue> [id…]`;

const [verb = "", given, ...rest] = process.argv.slice(2);
const limit = verb === "show" ? Number(rest[0] ?? 10) : 0;
if (
  !["list", "show", "replay", "drop"].includes(verb) ||
  (verb !== "list" && !given) ||
  !Number.isInteger(limit)
) {
  console.error(USAGE);
  process.exit(2);
}

const config = configOrExit();
const topology = topologyOf(contracts);
try {
  const queue = given === undefined ? "" : checkQueueName(topology, config.AMQP_PREFIX, given);
  const queues = await open(config);
  try {
    for (const line of await run(queues, queue)) console.log(line);
  } finally {
    await queues.close();
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function run(queues: DeadQueues, queue: string): Promise<string[]> {
  const ids = rest.length > 0 ? rest : undefined;
  switch (verb) {
    case "show":
      return orNothing((await queues.show(queue, limit)).flatMap(linesOf));
    case "replay": {
      const count = await queues.replay(queue, ids);
      return [
        config.AMQP_URL
          ? `${count} sent to ${queue} again`
          : `${count} marked: the shop sends them to ${queue} within seconds, or when it starts`,
      ];
    }
    case "drop":
      return [`${await queues.drop(queue, ids)} dropped from ${queue}`];
    default: {
      const counts = await queues.list();
      return orNothing(counts.map((it) => `${String(it.count).padStart(7)}  ${it.queue}`));
    }
  }
}

function orNothing(lines: string[]): string[] {
  return lines.length > 0 ? lines : ["no dead messages"];
}

function linesOf({ id, error, attempts, time, content }: DeadEntry): string[] {
  const cause = error ? `${error.name}${error.code ? ` [${error.code}]` : ""}: ${error.message}` : "unknown";
  return [
    `${id || "(no id)"}  ${time ?? ""}  after ${attempts ?? "?"} tries`,
    `  ${cause}`,
    ...(error?.stack
      ? error.stack
          .split("\n")
          .slice(1)
          .map((line) => `  ${line}`)
      : []),
    `  ${content}`,
    "",
  ];
}

async function open(from: Config): Promise<DeadQueues> {
  if (from.AMQP_URL) return amqpDeadQueues(from.AMQP_URL, from.AMQP_PREFIX, topology);
  const { uri, close } = await store(from);
  const log = new ServiceBroker({
    ...brokerOptions({ ...from, LOG_LEVEL: "warn" }),
    transporter: null,
  }).getLogger("dlq");
  const database = await connectDatabase(uri, log);
  return storedDeadQueues(mongoDeadLetters(database.service("bus")), async () => {
    await database.close();
    await close();
  });
}

/** MongoDB where it is configured; else the store of the shop that runs on the data folder; else the store itself. */
async function store(from: Config): Promise<{ uri: string; close(): Promise<void> }> {
  const nothing = async () => undefined;
  if (from.MONGO_URL) return { uri: from.MONGO_URL, close: nothing };
  const dir = storeFolder(from);
  try {
    return await startEmbeddedMongo({ dir, sync: from.EMBEDDED_SYNC });
  } catch (error) {
    const uri = runningStoreUri(dir);
    if (!(error instanceof Error && /in use/.test(error.message)) || uri === undefined) throw error;
    return { uri, close: nothing };
  }
}

/** `npm run dlq -- list|show|replay|drop`: shows dead messages, sends them again, or deletes them. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  amqpDeadQueues,
  checkQueueName,
  type DeadEntry,
  type DeadQueues,
  storedDeadQueues,
} from "../broker/bus/dead-queues.ts";
import { mongoDeadLetters } from "../broker/bus/local/dead-letters.ts";
import { topologyOf } from "../broker/bus/topology.ts";
import { ConfigError } from "../broker/contract/variables.ts";
import type { Config } from "../broker/moleculer/config.ts";
import { commandOf, subcommand, wholeNumber } from "./support/command.ts";
import { jobConfigOrExit, runJob } from "./support/job.ts";
import { openDatabase } from "./support/open-database.ts";
import { jobShopOrExit } from "./support/the-shop.ts";

const shop = await jobShopOrExit();
const topology = topologyOf(shop.contracts);

async function list(queues: DeadQueues): Promise<string[]> {
  const counts = await queues.list();
  return orNothing(counts.map((it) => `${String(it.count).padStart(7)}  ${it.queue}`));
}

async function show(queues: DeadQueues, queue: string, limit: number): Promise<string[]> {
  return orNothing((await queues.show(queue, limit)).flatMap(linesOf));
}

async function replay(queues: DeadQueues, queue: string, ids: string[], config: Config): Promise<string[]> {
  const count = await queues.replay(queue, orAll(ids));
  return [
    config.AMQP_URL
      ? `${count} sent to ${queue} again`
      : `${count} marked: the shop sends them to ${queue} within seconds, or when it starts`,
  ];
}

async function drop(queues: DeadQueues, queue: string, ids: string[]): Promise<string[]> {
  return [`${await queues.drop(queue, orAll(ids))} dropped from ${queue}`];
}

const orAll = (ids: readonly string[]) => (ids.length > 0 ? ids : undefined);

/** @param work gets the dead queues; its result is printed */
async function run(work: (queues: DeadQueues, config: Config) => Promise<string[]>): Promise<void> {
  const config = jobConfigOrExit(shop);
  await runJob(config, async () => {
    const queues = await open(config);
    try {
      for (const line of await work(queues, config)) console.log(line);
    } finally {
      await queues.close();
    }
  });
}

/** The same for a named queue. */
const runOn = (
  queue: string,
  work: (queues: DeadQueues, queue: string, config: Config) => Promise<string[]>,
): Promise<void> =>
  run((queues, config) => work(queues, checkQueueName(topology, config.AMQP_PREFIX, queue), config));

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
  const { AMQP_URL, AMQP_PREFIX, MONGO_URL, DATA_DIR } = from;
  if (AMQP_URL) return amqpDeadQueues(AMQP_URL, AMQP_PREFIX, topology);
  if (!MONGO_URL && !existsSync(join(DATA_DIR, "mongo")))
    throw new ConfigError(
      `DATA_DIR: there is no shop in ${DATA_DIR}; AMQP_URL and MONGO_URL name one elsewhere`,
    );
  const { database, close } = await openDatabase(from, "dlq");
  return storedDeadQueues(mongoDeadLetters(database.service("bus")), close);
}

await commandOf("dlq", "Shows messages that could not be handled, sends them again, or throws them away.", [
  subcommand("list", "tells which queues have dead messages, and how many").action(() => run(list)),
  subcommand("show", "shows dead messages of a queue, and why they failed")
    .argument("<queue>")
    .argument("[n]", "how many", wholeNumber(1), 10)
    .action((queue, n) => runOn(queue, (queues, it) => show(queues, it, n))),
  subcommand("replay", "sends dead messages to their queue again")
    .argument("<queue>")
    .argument("[id...]", "all where none is named")
    .action((queue, ids) => runOn(queue, (queues, it, config) => replay(queues, it, ids, config))),
  subcommand("drop", "throws dead messages away")
    .argument("<queue>")
    .argument("[id...]", "all where none is named")
    .action((queue, ids) => runOn(queue, (queues, it) => drop(queues, it, ids))),
]).parseAsync();

/** `npm run dlq -- list|show|replay|drop`: messages that were given up, shown, sent again or thrown away. */
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
import core from "../services/index.ts";
import { jobConfigOrExit, runJob } from "./support/job.ts";
import { openDatabase } from "./support/open-database.ts";

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

const config = jobConfigOrExit();
const topology = topologyOf(core.contracts);
await runJob(config, async () => {
  const queue = given === undefined ? "" : checkQueueName(topology, config.AMQP_PREFIX, given);
  const queues = await open(config);
  try {
    for (const line of await run(queues, queue)) console.log(line);
  } finally {
    await queues.close();
  }
});

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
  const { AMQP_URL, AMQP_PREFIX, MONGO_URL, DATA_DIR } = from;
  if (AMQP_URL) return amqpDeadQueues(AMQP_URL, AMQP_PREFIX, topology);
  if (!MONGO_URL && !existsSync(join(DATA_DIR, "mongo")))
    throw new ConfigError(
      `DATA_DIR: there is no shop in ${DATA_DIR}; AMQP_URL and MONGO_URL name one elsewhere`,
    );
  const { database, close } = await openDatabase(from, "dlq");
  return storedDeadQueues(mongoDeadLetters(database.service("bus")), close);
}

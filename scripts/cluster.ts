/**
 * `npm run cluster [-- --nodes orders=2,inventory=2]`: every service as its own process on this machine, over RabbitMQ.
 * The embedded store is a process too, unless MONGO_URL names a server.
 */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { serviceNames } from "../services/index.ts";
import { type Child, startChild } from "./support/children.ts";
import { printWelcome } from "./support/first-start.ts";
import { withLocalRabbit } from "./support/local-rabbit.ts";
import { configOrExit, stopOnSignal } from "./support/run-node.ts";

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const print = (line: string) => process.stdout.write(`${line}\n`);

const { values } = parseArgs({ options: { nodes: { type: "string", default: "" } } });
const counts = new Map(
  values.nodes
    .split(",")
    .filter(Boolean)
    .map((it) => countOf(it)),
);

const env = withLocalRabbit(process.env);
const config = configOrExit(env);
const children: Child[] = [];
const STOP_MS = config.SHUTDOWN_TIMEOUT + 3_000;

stopOnSignal(async () => {
  // The gateway first, so that nothing new comes in; the store last, when nobody needs it any more.
  const [store, nodes] = [
    children.filter((it) => it.name === "store"),
    children.filter((it) => it.name !== "store"),
  ];
  await Promise.all(nodes.filter((it) => it.name.startsWith("api")).map((it) => it.stop(STOP_MS)));
  await Promise.all(nodes.map((it) => it.stop(STOP_MS)));
  await Promise.all(store.map((it) => it.stop(STOP_MS)));
}, 3 * STOP_MS);

env.MONGO_URL = config.MONGO_URL ?? (await startStore());
for (const service of serviceNames)
  for (let n = 1; n <= (counts.get(service) ?? 1); n++) {
    const name = (counts.get(service) ?? 1) > 1 ? `${service}-${n}` : service;
    children.push(
      startChild(name, file("./node.ts"), [service], {
        env: { ...env, NODE_ID: `${name}-${process.pid}`, SERVICES: "" },
        restart: true,
        print,
      }),
    );
  }
printWelcome({ ...config, MONGO_URL: env.MONGO_URL });

async function startStore(): Promise<string> {
  const dir = resolve(config.DATA_DIR, "mongo");
  mkdirSync(dir, { recursive: true });
  const child = startChild("store", file("../embedded/mongo/main.ts"), ["--dir", dir], {
    env,
    restart: true,
    print,
  });
  children.push(child);
  const line = await child.line((it) => it.includes("mongodb://"));
  return /mongodb:\/\/\S+/.exec(line)?.[0] ?? join(dir, "socket");
}

function countOf(text: string): [string, number] {
  const [service = "", count = ""] = text.split("=");
  if (!serviceNames.includes(service) || !/^[1-9]\d?$/.test(count)) {
    console.error(`--nodes: ${text} is not service=count with a service of ${serviceNames.join(", ")}`);
    process.exit(2);
  }
  return [service, Number(count)];
}

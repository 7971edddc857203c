/**
 * `npm run cluster [-- --processes 4] [-- --nodes orders=2,inventory=2]`: the services in several processes on this
 * machine, over RabbitMQ. The embedded store is a process too, unless MONGO_URL names a server.
 *
 * With `--rolling-restart` it starts a separate shop, by default with two processes per service. These are restarted
 * one after the other while customers use the shop. Exits with 1 when a request has failed.
 */
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { storeProgram } from "@souk/embedded-mongo";
import { serviceNames } from "../broker/moleculer/extension.ts";
import { storeFolder } from "../broker/moleculer/node/data-folder.ts";
import { type Child, startChild, startJob } from "./support/children.ts";
import { command, wholeNumber } from "./support/command.ts";
import { withLocalRabbit } from "./support/local-rabbit.ts";
import { clusterPlan, defaultProcesses } from "./support/node/cluster-plan.ts";
import { printWelcome } from "./support/node/first-start.ts";
import { withOpsPort } from "./support/node/ops-port.ts";
import { configOrExit, stopLimit, stopOnSignal } from "./support/node/run-node.ts";
import { trimMemorySoon } from "./support/node/trim-memory.ts";
import { rememberShop, serversLine } from "./support/shop-servers.ts";
import { shopOrExit } from "./support/the-shop.ts";

const shop = await shopOrExit();

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const print = (line: string) => process.stdout.write(`${line}\n`);

const {
  processes,
  nodes: counts,
  rollingRestart: isRollingRestart,
} = command(
  "cluster",
  "Runs the services in several processes on this machine, over RabbitMQ (AMQP_URL, or the one on the standard port).",
)
  .option(
    "--processes <n>",
    "that the services share; `each` gives each service its own (default: half of the cores)",
    processCount,
    defaultProcesses(),
  )
  .option(
    "--nodes <list>",
    "processes of their own for some services: orders=2,inventory=2",
    nodeCounts,
    new Map<string, number>(),
  )
  .option(
    "--rolling-restart",
    "a shop of its own, restarted process by process while people are in it",
    false,
  )
  .parse()
  .opts();

const env = withLocalRabbit(process.env);
const config = withOpsPort(configOrExit(shop, env));
if (isRollingRestart) process.exit(await restartInTurn());
const children: Pick<Child, "name" | "stop">[] = [];
const gateways = new Set<Child>();
let stopping = false;
const STOP_MS = stopLimit(config) + 1_000;

stopOnSignal(async () => {
  stopping = true;
  // The gateway stops first, so that no new requests arrive. The store stops last.
  const [store, nodes] = [
    children.filter((it) => it.name === "store"),
    children.filter((it) => it.name !== "store"),
  ];
  await Promise.all([...gateways].map((it) => it.stop(STOP_MS)));
  await Promise.all(nodes.map((it) => it.stop(STOP_MS)));
  await Promise.all(store.map((it) => it.stop(STOP_MS)));
}, 3 * STOP_MS);

console.error(serversLine(config));
const given = { ...env };
env.MONGO_URL = config.MONGO_URL ?? (await startStore());
// Commands find this shop by it, while it runs and afterwards.
rememberShop(config.DATA_DIR, given);
await prepareCatalogue();
let opsPort = config.OPS_PORT ?? 0;
// The gateway has the first operations port.
for (const { name: kind, services, count } of clusterPlan(serviceNames(shop), processes, counts))
  for (let n = 1; n <= count; n++) {
    const name = count > 1 ? `${kind}-${n}` : kind;
    const isGateway = services.includes("api");
    const child = startChild(name, file("./node.ts"), services, {
      // A second gateway on this machine listens on the next port.
      env: {
        ...env,
        NODE_ID: `${name}-${process.pid}`,
        SERVICES: "",
        PORT: String(isGateway ? config.PORT + n - 1 : config.PORT),
        OPS_PORT: String(opsPort),
      },
      restart: true,
      print,
    });
    children.push(child);
    if (isGateway) gateways.add(child);
    if (typeof opsPort === "number" && opsPort > 0) opsPort++;
  }
await untilReady();
printWelcome(config);
trimMemorySoon();

/** Runs once and to its end, so that the shop has its catalogue, whichever process starts first. */
async function prepareCatalogue(): Promise<void> {
  const job = startJob("catalogue", file("./support/node/prepare-catalogue.ts"), env);
  children.push(job);
  const code = await job.ended;
  // The signal's handler ends this process.
  if (stopping) await new Promise(() => undefined);
  if (code === 0) return;
  await Promise.all(children.map((it) => it.stop(STOP_MS)));
  process.exit(1);
}

/** The gateway answers "ready" once every service runs. */
async function untilReady(): Promise<void> {
  const url = `http://${config.HOST}:${config.PORT}/health/ready`;
  for (;;) {
    const reply = await fetch(url).catch(() => undefined);
    if (reply?.ok) return;
    await sleep(100);
  }
}

async function startStore(): Promise<string> {
  const dir = resolve(storeFolder(config));
  const child = startChild("store", storeProgram, ["--dir", dir], {
    env,
    restart: true,
    print,
  });
  children.push(child);
  return child.line((it) => it.startsWith("mongodb://"));
}

async function restartInTurn(): Promise<number> {
  const { rollingRestart, figuresOf } = await import("../test/rolling-restart/run.ts");
  const plan = serviceNames(shop).map((name) => ({ name, services: [name], count: counts.get(name) ?? 2 }));
  const run = await rollingRestart({ plan, amqpUrl: env.AMQP_URL ?? "", print, log: print });
  print(figuresOf(run));
  return run.failed === 0 && run.paid === run.orders ? 0 : 1;
}

function processCount(text: string): number {
  return text === "each" ? serviceNames(shop).length : wholeNumber(1)(text);
}

function nodeCounts(list: string): Map<string, number> {
  const counted = list.split(",").map((text): [string, number] => {
    const [service = "", count = ""] = text.split("=");
    if (serviceNames(shop).includes(service) && /^[1-9]\d?$/.test(count)) return [service, Number(count)];
    throw new InvalidArgumentError(
      `${text} is not service=count with a service of ${serviceNames(shop).join(", ")}.`,
    );
  });
  return new Map(counted);
}

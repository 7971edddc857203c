/** A private cluster of RabbitMQ on one machine: own names, ports, epmd and folders. */
import { type ChildProcess, execFile, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { connect } from "amqplib";
import { eventually } from "../../../souk/testing/eventually.ts";
import { freePort } from "../../../souk/testing/free-port.ts";
import { type RabbitPlace, rabbitEnvironment, rabbitUrl, spawnRabbit } from "./rabbit-process.ts";

/** Three at once on a machine that has other work. */
const START_MS = 120_000;
const STOP_MS = 20_000;
const COMMAND_MS = 60_000;

export interface RabbitCluster {
  /** One a node. */
  readonly urls: readonly string[];
  /** As RabbitMQ knows them, e.g. `souk-1-4711@localhost`. */
  readonly names: readonly string[];
  /** Of the process that is a node; undefined while it is not running. */
  pid(node: number): number | undefined;
  /** Runs `rabbitmqctl` for a node. @returns what it prints */
  ctl(node: number, ...args: string[]): Promise<string>;
  /** The nodes (by number) that are running, as `asked` sees them. */
  running(asked: number): Promise<number[]>;
  /** Ends a node with SIGKILL. */
  kill(node: number): Promise<void>;
  /** Starts a node again that was killed; resolves when it takes connections. */
  start(node: number): Promise<void>;
  /** Called when a node ends unasked. */
  onExit(listener: (node: number) => void): void;
  /** Ends all nodes and their epmd; what they kept stays in the folder. */
  stop(): Promise<void>;
}

/**
 * Resolves when all nodes have found each other and take connections.
 * @param binary of `rabbitmq-server`, with `rabbitmqctl` beside it. @param dir empty, for the cluster alone
 * @throws Error where a node does not start
 */
export async function startRabbitCluster(binary: string, dir: string, size = 3): Promise<RabbitCluster> {
  const places = await prepare(dir, size);
  const names = places.map((it) => `${it.nodeName}@localhost`);
  const children: (ChildProcess | undefined)[] = places.map(() => undefined);
  const listeners: ((node: number) => void)[] = [];

  const placeOf = (node: number): RabbitPlace => {
    const place = places[node];
    if (!place) throw new Error(`there is no node ${node}`);
    return place;
  };
  const launch = (node: number) => {
    const child = spawnRabbit(binary, placeOf(node));
    children[node] = child;
    child.once("exit", () => {
      if (children[node] !== child) return;
      children[node] = undefined;
      for (const it of listeners) it(node);
    });
  };
  const up = (node: number) =>
    eventually(
      `RabbitMQ ${names[node]} takes connections`,
      async () => {
        if (!children[node]) return "ended" as const;
        await (await connect(rabbitUrl(placeOf(node)), { timeout: 5_000 })).close();
        return "up" as const;
      },
      START_MS,
    ).then((state) => {
      if (state === "ended") throw new Error(`RabbitMQ ${names[node]} ended while it started, see ${dir}`);
    });
  const end = async (node: number, signal: NodeJS.Signals) => {
    const child = children[node];
    if (!child) return;
    children[node] = undefined;
    const gone = once(child, "exit");
    child.kill(signal);
    const late = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await gone;
    clearTimeout(late);
  };
  const ctl = async (node: number, ...args: string[]) => {
    const command = join(dirname(binary), "rabbitmqctl");
    const env = rabbitEnvironment(placeOf(node));
    const { stdout } = await promisify(execFile)(command, ["--quiet", ...args], { env, timeout: COMMAND_MS });
    return stdout;
  };
  const cluster: RabbitCluster = {
    urls: places.map(rabbitUrl),
    names,
    pid: (node) => children[node]?.pid,
    ctl,
    async running(asked) {
      const status = JSON.parse(await ctl(asked, "cluster_status", "--formatter", "json"));
      return (status.running_nodes as string[]).map((it) => names.indexOf(it)).sort();
    },
    kill: (node) => end(node, "SIGKILL"),
    async start(node) {
      launch(node);
      await up(node);
    },
    onExit: (listener) => void listeners.push(listener),
    async stop() {
      await Promise.all(places.map((_, node) => end(node, "SIGTERM")));
      endEpmd(placeOf(0));
    },
  };
  try {
    // The first one starts the epmd for all. Erlang does not do that well three times at once.
    for (const node of places.keys()) launch(node);
    await Promise.all(places.map((_, node) => up(node)));
    const running = await cluster.running(0);
    if (running.length < size) throw new Error(`only nodes ${running} of RabbitMQ have found each other`);
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/** Folders with the nodes' common cookie, and the configuration with their addresses. */
async function prepare(dir: string, size: number): Promise<RabbitPlace[]> {
  const cookie = randomBytes(16).toString("hex");
  const epmdPort = await freePort();
  const configFile = join(dir, "rabbitmq.conf");
  const places: RabbitPlace[] = [];
  for (let n = 1; n <= size; n++) {
    const place = {
      dir: join(dir, `node-${n}`),
      nodeName: `souk-${n}-${process.pid}`,
      port: await freePort(),
      distPort: await freePort(),
      epmdPort,
      configFile,
    };
    await mkdir(place.dir);
    await writeFile(join(place.dir, ".erlang.cookie"), cookie, { mode: 0o400 });
    places.push(place);
  }
  const peers = places.map(
    (it, at) => `cluster_formation.classic_config.nodes.${at + 1} = ${it.nodeName}@localhost`,
  );
  await writeFile(
    configFile,
    ["cluster_formation.peer_discovery_backend = classic_config", ...peers, ""].join("\n"),
  );
  return places;
}

/** Erlang's port mapper outlives the nodes that started it. */
function endEpmd(place: RabbitPlace): void {
  try {
    execFileSync("epmd", ["-port", String(place.epmdPort), "-kill"], { stdio: "ignore" });
  } catch {
    // Nothing was started, so nothing is left.
  }
}

/**
 * A whole shop for chaos on private servers: RabbitMQ and an embedded store. Every service runs in separate
 * processes. A proxy between each node and the two servers can cut, refuse or stall its connections.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { connect as connectAmqp } from "amqplib";
import { serviceNames } from "../../../broker/moleculer/extension.ts";
import core from "../../../services/index.ts";
import { freePort } from "../../../souk/testing/free-port.ts";
import {
  type RabbitPlace,
  rabbitUrl,
  scriptsWithoutPlugins,
  spawnRabbit,
} from "../../support/rabbit/rabbit-process.ts";
import { rabbitBinary } from "../../support/servers/servers.ts";
import { type TcpProxy, tcpProxy } from "../../support/servers/tcp-proxy.ts";
import { tcpStore } from "../../support/servers/tcp-store.ts";
import { type ManagedProcess, managedProcess } from "./managed-process.ts";
import { type QueueState, queueStates } from "./queues.ts";

export const PREFIX = "chaos";
export const BOOTSTRAP_TOKEN = "bootstrap-token-for-chaos";

/** Which services run together in a process, and how many such processes there are. */
export interface NodePlan {
  name: string;
  services: readonly string[];
  count: number;
}

const TWICE = ["inventory", "orders", "payments"];
/** Each service as its own process, and two of those whose actors everything depends on. */
export const eachService: readonly NodePlan[] = serviceNames(core).map((name) => ({
  name,
  services: [name],
  count: TWICE.includes(name) ? 2 : 1,
}));
/** Fewer processes, for a quick start: the gateway, two nodes with all actors, one with the rest. */
export const fewProcesses: readonly NodePlan[] = [
  { name: "actors", services: ["inventory", "orders", "payments", "delivery"], count: 2 },
  {
    name: "others",
    services: serviceNames(core).filter((it) => ![...TWICE, "delivery", "api"].includes(it)),
    count: 1,
  },
  { name: "api", services: ["api"], count: 1 },
];

export interface ShopNode {
  readonly plan: NodePlan;
  readonly process: ManagedProcess;
  /** Of its operations port. */
  readonly readyUrl: string;
  /** Between the node and RabbitMQ. */
  readonly amqp: TcpProxy;
  /** Between the node and the store. */
  readonly mongo: TcpProxy;
}

export interface Cluster {
  readonly url: string;
  /** Without a proxy. */
  readonly amqpUrl: string;
  readonly mongoUrl: string;
  /** Logs and data. */
  readonly dir: string;
  readonly rabbit: ManagedProcess;
  readonly store: ManagedProcess;
  readonly nodes: readonly ShopNode[];
  /** @throws while RabbitMQ is away */
  queueStates(): Promise<QueueState[]>;
  /** SIGTERM to every node, the gateway first. @returns those that did not end with exit code 0 */
  stopNodes(): Promise<string[]>;
  /** Ends everything that was started, whatever its state. @param keep the folder stays */
  close(keep: boolean): Promise<void>;
}

export interface ClusterOptions {
  plan: readonly NodePlan[];
  /** Settings of the nodes. */
  env: Record<string, string>;
  print(line: string): void;
  /** Gives up starting. */
  signal?: AbortSignal | undefined;
}

const STORE_START_MS = 30_000;
const RABBIT_START_MS = 90_000;
const SHOP_START_MS = 120_000;
export const STOP_MS = 20_000;

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const preload = file("../../../scripts/support/preload.mjs");

/** Resolves when the gateway is ready. @throws when something does not start; nothing is left running then */
export async function startCluster({ plan, env, print, signal }: ClusterOptions): Promise<Cluster> {
  const dir = await mkdtemp(join(tmpdir(), "souk-chaos-"));
  mkdirSync(join(dir, "logs"));
  mkdirSync(join(dir, "rabbitmq"));
  const processes: ManagedProcess[] = [];
  const proxies: TcpProxy[] = [];
  const launch = (name: string, run: (log: number) => ReturnType<typeof spawn>): ManagedProcess => {
    const made = managedProcess(name, () => {
      const log = openSync(join(dir, "logs", `${name}.log`), "a");
      try {
        return run(log);
      } finally {
        closeSync(log);
      }
    });
    processes.push(made);
    made.start();
    return made;
  };
  const launchNode = (name: string, script: string, args: readonly string[], more: NodeJS.ProcessEnv) =>
    launch(name, (log) =>
      spawn(
        process.execPath,
        ["--disable-warning=ExperimentalWarning", "--import", preload, script, ...args],
        {
          stdio: ["ignore", log, log],
          env: { ...process.env, ...more },
        },
      ),
    );
  const proxy = async (target: string) => {
    const made = await tcpProxy(target);
    proxies.push(made);
    return made;
  };
  const goOn = () => {
    signal?.throwIfAborted();
    const [crash] = processes.flatMap((it) => it.crashes);
    if (crash) throw new Error(crash);
  };
  // However this process ends, nothing that it started survives it.
  const endAll = () => processes.map((it) => it.kill());
  process.once("exit", endAll);
  const close = async (keep: boolean) => {
    process.off("exit", endAll);
    await Promise.all(endAll());
    await Promise.all(proxies.map((it) => it.close()));
    if (!keep) await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  };

  try {
    const binary = rabbitBinary(print);
    const place = await rabbitPlace(binary, dir);
    // In the foreground, so that its pid is known. RabbitMQ would leave a daemon behind.
    launch("epmd", (log) =>
      spawn("epmd", ["-port", String(place.epmdPort), "-address", "127.0.0.1"], {
        stdio: ["ignore", log, log],
      }),
    );
    const rabbit = launch("rabbitmq", (log) => spawnRabbit(binary, place, ["ignore", log, log]));
    const amqpUrl = rabbitUrl(place);
    const { script, args, port: mongoPort, uri: mongoUrl } = await tcpStore(dir);
    const store = launchNode("store", script, args, {});
    await Promise.all([untilListening(mongoPort, goOn), untilRabbit(amqpUrl, goOn)]);
    print("RabbitMQ and the store are up");

    const port = await freePort();
    const shared = {
      NODE_ENV: "development",
      HOST: "127.0.0.1",
      PORT: String(port),
      PUBLIC_URL: "",
      TRANSPORTER: "",
      REDIS_URL: "",
      SERVICES: "",
      DATA_DIR: join(dir, "data"),
      AMQP_PREFIX: PREFIX,
      NAMESPACE: PREFIX,
      RATE_LIMIT: "off",
      SEED_ON_START: "false",
      LOG_LEVEL: "warn",
      ACCESS_LOG: "off",
      BOOTSTRAP_TOKEN,
      ...env,
    };
    const nodes: ShopNode[] = [];
    for (const it of plan)
      for (let n = 1; n <= it.count; n++) {
        const name = it.count > 1 ? `${it.name}-${n}` : it.name;
        const [amqp, mongo] = [await proxy(amqpUrl), await proxy(mongoUrl)];
        const opsPort = await freePort();
        const process = launchNode(name, file("./node.ts"), it.services, {
          ...shared,
          NODE_ID: name,
          OPS_PORT: String(opsPort),
          AMQP_URL: amqp.via(amqpUrl),
          MONGO_URL: mongo.via(mongoUrl),
        });
        const readyUrl = `http://127.0.0.1:${opsPort}/health/ready`;
        nodes.push({ plan: it, process, readyUrl, amqp, mongo });
      }
    const url = `http://127.0.0.1:${port}`;
    await untilReady(`${url}/health/ready`, SHOP_START_MS, goOn);

    return {
      url,
      amqpUrl,
      mongoUrl,
      dir,
      rabbit,
      store,
      nodes,
      queueStates: () => queueStates(binary, place),
      async stopNodes() {
        const failed: string[] = [];
        const stop = async ({ process: it }: ShopNode) => {
          const code = await it.terminate(STOP_MS);
          if (code !== 0) failed.push(`${it.name}: ${code ?? "killed, it did not stop in time"}`);
        };
        const isGateway = (it: ShopNode) => it.plan.services.includes("api");
        await Promise.all(nodes.filter(isGateway).map(stop));
        await Promise.all(nodes.filter((it) => !isGateway(it)).map(stop));
        return failed;
      },
      close,
    };
  } catch (error) {
    await close(!signal?.aborted);
    throw new Error(`the cluster does not start; its logs are in ${dir}`, { cause: error });
  }
}

async function rabbitPlace(binary: string, dir: string): Promise<RabbitPlace> {
  const [port, distPort, epmdPort] = [await freePort(), await freePort(), await freePort()];
  const scriptsDir = scriptsWithoutPlugins(binary, join(dir, "rabbitmq", "home"));
  const nodeName = `souk-chaos-${process.pid}`;
  return { dir: join(dir, "rabbitmq"), nodeName, port, distPort, epmdPort, scriptsDir };
}

/** @param goOn throws where waiting is useless */
async function until(
  what: string,
  ms: number,
  goOn: () => void,
  probe: () => Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + ms;
  while (!(await probe())) {
    goOn();
    if (Date.now() > deadline) throw new Error(`${what} is not up after ${ms} ms`);
    await sleep(100);
  }
}

const untilListening = (port: number, goOn: () => void) =>
  until("the store", STORE_START_MS, goOn, async () => {
    const socket = connect({ host: "127.0.0.1", port });
    try {
      await once(socket, "connect");
      return true;
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  });

/** @throws when that takes too long */
export const untilRabbit = (url: string, goOn: () => void = () => undefined) =>
  until("RabbitMQ", RABBIT_START_MS, goOn, async () => {
    try {
      const connection = await connectAmqp(url);
      await connection.close();
      return true;
    } catch {
      return false;
    }
  });

/** @throws when that takes longer than `ms` */
export const untilReady = (url: string, ms: number, goOn: () => void = () => undefined) =>
  until(url, ms, goOn, async () => {
    try {
      const asked = { headers: { connection: "close" }, signal: AbortSignal.timeout(2_000) };
      const reply = await fetch(url, asked);
      await reply.arrayBuffer();
      return reply.ok;
    } catch {
      return false;
    }
  });

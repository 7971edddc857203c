/**
 * A temporary shop: a store, nodes as processes, and a load balancer in front of its gateways. Its data on disk and
 * on RabbitMQ is removed with it.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { storeProgram } from "@souk/embedded-mongo";
import { type Child, startChild } from "../../scripts/support/children.ts";
import { freePort } from "../../souk/testing/free-port.ts";
import { type NodePlan, untilReady as untilUp } from "../chaos/cluster/cluster.ts";
import { deleteQueues } from "../support/rabbit/rabbit-cleanup.ts";
import { type Balancer, startBalancer } from "./balancer.ts";

export interface ShopOptions {
  plan: readonly NodePlan[];
  amqpUrl: string;
  /** Settings of the nodes. */
  env?: Record<string, string>;
  /** What the nodes print. */
  log?(line: string): void;
}

export interface ShopNode {
  readonly child: Child;
  /** Of its operations port. */
  readonly readyUrl: string;
}

export interface Shop {
  /** Of the load balancer. */
  readonly url: string;
  readonly nodes: readonly ShopNode[];
  close(): Promise<void>;
}

const START_MS = 120_000;
export const STOP_MS = 25_000;
/** Above the time that the balancer takes to notice. */
const SHUTDOWN_DELAY = "1s";
export const BOOTSTRAP_TOKEN = "bootstrap-token-of-rolling-restart";

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Resolves when all nodes are ready. @throws when the shop does not start; nothing is left behind then */
export async function startShop({
  plan,
  amqpUrl,
  env = {},
  log = () => undefined,
}: ShopOptions): Promise<Shop> {
  const dir = await mkdtemp(join(tmpdir(), "souk-rolling-"));
  const prefix = `rolling-${process.pid}`;
  const children: Child[] = [];
  let balancer: Balancer | undefined;
  // Whatever ends this process: nothing that it has started outlives it.
  const endAll = () => {
    for (const { pid } of children)
      try {
        if (pid) process.kill(pid, "SIGKILL");
      } catch {
        // It has ended already.
      }
  };
  process.once("exit", endAll);
  const close = async () => {
    await balancer?.close();
    // The store stops last.
    const [store, ...nodes] = children;
    await Promise.all(nodes.map((it) => it.stop(STOP_MS)));
    await store?.stop(STOP_MS);
    process.off("exit", endAll);
    await deleteQueues(amqpUrl, prefix);
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const store = startChild("store", storeProgram, ["--dir", join(dir, "mongo")], {
      env: process.env,
      restart: false,
      print: log,
    });
    children.push(store);
    const mongoUrl = await store.line((it) => it.startsWith("mongodb://"));
    const gateways = plan.filter((it) => it.services.includes("api")).reduce((sum, it) => sum + it.count, 0);
    const ports = await Promise.all(Array.from({ length: gateways }, () => freePort()));
    balancer = await startBalancer(ports.map((port) => `http://127.0.0.1:${port}`));
    const shared: NodeJS.ProcessEnv = {
      ...process.env,
      NODE_ENV: "development",
      HOST: "127.0.0.1",
      PUBLIC_URL: balancer.url,
      AMQP_URL: amqpUrl,
      AMQP_PREFIX: prefix,
      NAMESPACE: prefix,
      MONGO_URL: mongoUrl,
      DATA_DIR: join(dir, "data"),
      TRANSPORTER: "",
      REDIS_URL: "",
      SERVICES: "",
      RATE_LIMIT: "off",
      ACCESS_LOG: "off",
      LOG_LEVEL: "warn",
      BOOTSTRAP_TOKEN,
      SHUTDOWN_DELAY,
      ...env,
    };
    const nodes: ShopNode[] = [];
    for (const { name, services, count } of plan)
      for (let n = 1; n <= count; n++) {
        const opsPort = await freePort();
        const port = services.includes("api") ? ports.pop() : 0;
        const its = { NODE_ID: `${name}-${n}`, OPS_PORT: String(opsPort), PORT: String(port) };
        const child = startChild(`${name}-${n}`, file("../../scripts/node.ts"), services, {
          env: { ...shared, ...its },
          restart: false,
          print: log,
        });
        children.push(child);
        nodes.push({ child, readyUrl: `http://127.0.0.1:${opsPort}/health/ready` });
      }
    await Promise.all(nodes.map(untilReady));
    return { url: balancer.url, nodes, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** By its operations port, as whoever runs it would ask. */
export const untilReady = ({ readyUrl }: ShopNode) => untilUp(readyUrl, START_MS);

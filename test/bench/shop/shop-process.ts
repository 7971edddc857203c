/** A shop in separate processes, for benches: embedded in one, or a cluster over RabbitMQ. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Child, startChild } from "../../../scripts/support/children.ts";
import { freePort } from "../../../souk/testing/free-port.ts";
import type { BenchRabbit } from "./bench-rabbit.ts";

export type Mode = "embedded" | "cluster";

export const BENCH_TOKEN = "bootstrap-token-for-benches";

export interface BenchShop {
  readonly mode: Mode;
  readonly rabbit: BenchRabbit | undefined;
  readonly url: string;
  readonly pid: number;
  /** The folder of its embedded store. */
  readonly storeDir: string;
  /** From the start of the process to the first answered request. */
  readonly startMs: number;
  stop(): Promise<void>;
}

export interface BenchShopOptions {
  mode: Mode;
  /** Folder of the Souk that runs; this one's unless given. */
  root?: string | undefined;
  env?: Record<string, string>;
  /** A cluster needs one. */
  rabbit?: BenchRabbit | undefined;
  /** That the services of a cluster share; what that Souk does by itself unless given. */
  processes?: string | undefined;
}

const TODAY = fileURLToPath(new URL("../../..", import.meta.url));
const preload = new URL("../../../scripts/support/preload.mjs", import.meta.url).href;

const START_LIMIT_MS = 90_000;
const STOP_LIMIT_MS = 30_000;

/** Starts a shop on a free port with data of its own; resolves when it is ready. */
export async function startBenchShop({
  mode,
  root = TODAY,
  env = {},
  rabbit,
  processes,
}: BenchShopOptions): Promise<BenchShop> {
  const script = (name: string) => join(root, "scripts", `${name}.ts`);
  const dir = await mkdtemp(join(tmpdir(), "souk-bench-"));
  const port = await freePort();
  const prefix = `bench-${process.pid}-${port}`;
  const base = {
    ...process.env,
    NODE_ENV: "development",
    AMQP_URL: mode === "cluster" ? (rabbit?.url ?? "") : "",
    MONGO_URL: "",
    REDIS_URL: "",
    // Compiled code of a folder for temporary files is removed with it.
    ...(root === TODAY ? {} : { NODE_COMPILE_CACHE: join(root, "node_modules/.compile-cache") }),
  };
  if (env.SEED_COUNT)
    seed(script("seed"), { ...base, AMQP_URL: "", DATA_DIR: dir, LOG_LEVEL: "warn" }, env.SEED_COUNT);
  const started = performance.now();
  const lines: string[] = [];
  const [name, args] = mode === "cluster" ? ["cluster", clusterArguments(root, processes)] : ["start", []];
  const child: Child = startChild(mode, script(name), args, {
    env: {
      ...base,
      AMQP_PREFIX: prefix,
      NAMESPACE: prefix,
      PORT: String(port),
      OPS_PORT: "0",
      DATA_DIR: dir,
      RATE_LIMIT: "off",
      LOG_LEVEL: "warn",
      ACCESS_LOG: "off",
      BOOTSTRAP_TOKEN: BENCH_TOKEN,
      ...env,
    },
    restart: false,
    preload: pathToFileURL(join(root, "scripts/support/preload.mjs")).href,
    print: (line) => lines.push(line),
  });
  const stop = async () => {
    if (!running.delete(stop)) return;
    await child.stop(STOP_LIMIT_MS);
    if (mode === "cluster") await rabbit?.clear();
    await rm(dir, { recursive: true, force: true });
  };
  running.add(stop);
  const url = `http://127.0.0.1:${port}`;
  if (!(await untilReady(url, child))) {
    await stop();
    throw new Error(`the ${mode} shop does not start:\n${lines.join("\n")}`);
  }
  return {
    mode,
    rabbit: mode === "cluster" ? rabbit : undefined,
    url,
    pid: child.pid ?? 0,
    storeDir: join(dir, "mongo"),
    startMs: performance.now() - started,
    stop,
  };
}

/** Before there was a plan, each service had its own process, and a cluster took no such option. */
const clusterArguments = (root: string, processes: string | undefined): string[] =>
  processes !== undefined && existsSync(join(root, "scripts/support/node/cluster-plan.ts"))
    ? ["--processes", processes]
    : [];

const running = new Set<() => Promise<void>>();

/** For the end of a bench that is interrupted. */
export async function stopRunningShops(): Promise<void> {
  await Promise.all([...running].map((it) => it()));
}

/** @returns whether it is */
async function untilReady(url: string, child: Child): Promise<boolean> {
  let ended = false;
  child
    .line(() => false)
    .catch(() => {
      ended = true;
    });
  const deadline = Date.now() + START_LIMIT_MS;
  while (!(await answers(url))) {
    if (ended || Date.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return true;
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health/ready`)).ok;
  } catch {
    return false;
  }
}

/** A large catalogue takes longer than a start may. */
function seed(script: string, env: NodeJS.ProcessEnv, count: string): void {
  const args = ["--import", preload, script, "--count", count];
  const { status } = spawnSync(process.execPath, args, { env, stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error(`seeding ${count} products failed`);
}

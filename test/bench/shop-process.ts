/** A shop in separate processes, for benches: embedded in one, or a cluster over RabbitMQ. */
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Child, startChild } from "../../scripts/support/children.ts";
import { withLocalRabbit } from "../../scripts/support/local-rabbit.ts";
import { freePort } from "../../souk/testing/free-port.ts";
import { deleteQueues } from "../support/rabbit/rabbit-cleanup.ts";

export type Mode = "embedded" | "cluster";

export const BENCH_TOKEN = "bootstrap-token-for-benches";

export interface BenchShop {
  readonly mode: Mode;
  readonly url: string;
  readonly pid: number;
  /** From the start of the process to the first answered request. */
  readonly startMs: number;
  stop(): Promise<void>;
}

const preload = new URL("../../scripts/support/preload.mjs", import.meta.url).href;
const script = (name: string) => fileURLToPath(new URL(`../../scripts/${name}.ts`, import.meta.url));

/** Starts a shop on a free port with data of its own; resolves when it is ready. */
export async function startBenchShop(mode: Mode, env: Record<string, string> = {}): Promise<BenchShop> {
  const dir = await mkdtemp(join(tmpdir(), "souk-bench-"));
  const port = await freePort();
  const prefix = `bench-${process.pid}-${port}`;
  const base = { ...process.env, AMQP_URL: "", MONGO_URL: "", REDIS_URL: "" };
  if (env.SEED_COUNT) seed(dir, env.SEED_COUNT);
  const started = performance.now();
  const lines: string[] = [];
  const child: Child = startChild(mode, script(mode === "cluster" ? "cluster" : "start"), [], {
    env: {
      ...(mode === "cluster" ? withLocalRabbit({ ...base, AMQP_URL: process.env.AMQP_URL }) : base),
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
    print: (line) => lines.push(line),
  });
  const url = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + 90_000;
  while (!(await ready(url))) {
    if (Date.now() > deadline) {
      await child.stop(5_000);
      throw new Error(`the ${mode} shop does not start:\n${lines.join("\n")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return {
    mode,
    url,
    pid: child.pid ?? 0,
    startMs: performance.now() - started,
    async stop() {
      await child.stop(30_000);
      if (mode === "cluster") await deleteQueues(withLocalRabbit(process.env).AMQP_URL ?? "", prefix);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** A large catalogue takes longer than a start may. */
function seed(dir: string, count: string): void {
  const { status } = spawnSync(process.execPath, ["--import", preload, script("seed"), "--count", count], {
    env: { ...process.env, MONGO_URL: "", AMQP_URL: "", REDIS_URL: "", DATA_DIR: dir, LOG_LEVEL: "warn" },
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (status !== 0) throw new Error(`seeding ${count} products failed`);
}

async function ready(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health/ready`)).ok;
  } catch {
    return false;
  }
}

/** Runs `npm start`, `npm run cluster`, `npm run node` or Moleculer's runner as a user would. Each run has its own data folder and port. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../../souk/testing/eventually.ts";
import { freePort } from "../../../souk/testing/free-port.ts";
import { EMBEDDED } from "./run-script.ts";

export interface ScriptRun {
  readonly url: string;
  /** The operations port: of `cluster`, its gateway's; those of the other nodes follow. */
  readonly opsUrl: string;
  readonly dataDir: string;
  readonly child: ChildProcess;
  /** Everything printed so far. */
  output(): string;
  /** The bootstrap token, once it is printed. */
  bootstrapToken(): Promise<string>;
  /** SIGTERM; resolves with the exit code. */
  terminate(): Promise<number | null>;
  /** Ends it, whatever its state, and removes its data. */
  stop(): Promise<void>;
}

export interface ScriptOptions {
  args?: readonly string[];
  env?: Record<string, string>;
  dataDir?: string;
  port?: number;
  readyMs?: number;
}

/** Of a cluster that a test starts. */
const MAX_NODES = 24;

const bin = (file: string) => `node_modules/moleculer/bin/${file}`;
const runner = ["-c", "moleculer.config.ts", "--mask", "**/*.service.ts", "services"];
const commands = {
  start: ["scripts/start.ts"],
  cluster: ["scripts/cluster.ts"],
  node: ["scripts/node.ts"],
  "moleculer-runner": [bin("moleculer-runner.js"), ...runner],
  "moleculer-runner-esm": [bin("moleculer-runner.mjs"), ...runner],
} as const;

/** A data folder as an earlier version may have left it: readable for everybody. */
async function openFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "souk-run-"));
  await chmod(dir, 0o755);
  return dir;
}

/** Starts one of {@link commands}; resolves when its gateway is ready. */
export async function startScript(
  name: keyof typeof commands,
  { args = [], env = {}, dataDir, port, readyMs = 60_000 }: ScriptOptions = {},
): Promise<ScriptRun> {
  const dir = dataDir ?? (await openFolder());
  const listen = port ?? (await freePort());
  const url = `http://127.0.0.1:${listen}`;
  const ops = await freePort(name === "cluster" ? MAX_NODES : 1);
  let text = "";
  const child = spawn(
    process.execPath,
    ["--import", "./scripts/support/preload.mjs", ...commands[name], ...args],
    {
      env: {
        ...process.env,
        ...EMBEDDED,
        PORT: String(listen),
        OPS_PORT: String(ops),
        DATA_DIR: dir,
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
  const terminate = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, "exit");
      child.kill("SIGTERM");
      await gone;
    }
    return child.exitCode;
  };
  const run: ScriptRun = {
    url,
    opsUrl: `http://127.0.0.1:${ops}`,
    dataDir: dir,
    child,
    output: () => text,
    bootstrapToken: () =>
      eventually(
        "the bootstrap token is printed",
        () => /(?:no admin yet: .* with token|bootstrap token) +(\S+)/.exec(text)?.[1],
      ),
    terminate,
    async stop() {
      await terminate();
      if (!dataDir) await rm(dir, { recursive: true, force: true });
    },
  };
  try {
    await eventually(
      "the shop is ready",
      async () => {
        if (child.exitCode !== null) return true;
        return (await fetch(`${url}/health/ready`)).ok;
      },
      readyMs,
    );
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
  } catch (error) {
    await run.stop();
    throw new Error(`${name} does not start; it printed:\n${text}`, { cause: error });
  }
  return run;
}

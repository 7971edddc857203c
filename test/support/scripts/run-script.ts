/** A script of `scripts/` as a process of its own, run to its end. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

/** No server that the test runner has: the script works on what `DATA_DIR` and its own arguments name. */
export const EMBEDDED = {
  NODE_ENV: "development",
  AMQP_URL: "",
  MONGO_URL: "",
  REDIS_URL: "",
  TRANSPORTER: "",
  AMQP_PREFIX: "",
  NAMESPACE: "",
};

export interface ScriptResult {
  /** Null where it did not end by itself, or not within three minutes. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** Both, without the line about the servers. */
  output: string;
}

/** Arguments of Node.js that run a script. @param preload modules that are imported before it */
export const scriptArgs = (script: string, preload: readonly string[] = []): string[] => [
  ...["./scripts/support/preload.mjs", ...preload].flatMap((it) => ["--import", it]),
  `scripts/${script}.ts`,
];

/**
 * @param script its name without `.ts`
 * @param env over this process' own
 * @param preload modules that are imported before it
 */
export async function runScript(
  script: string,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
  preload: readonly string[] = [],
): Promise<ScriptResult> {
  const child = spawn(process.execPath, [...scriptArgs(script, preload), ...args], {
    env: { ...process.env, NODE_ENV: "test", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 180_000,
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  const { exitCode: code, signalCode: signal } = child;
  return { code, signal, stdout, stderr, output: stdout + stderr.replace(/^servers: .*\n/, "") };
}

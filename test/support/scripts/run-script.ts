/** A script of `scripts/` as a process of its own, run to its end. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

export interface ScriptResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Its output and errors, without the line about the servers. */
  output: string;
}

/**
 * @param script its name without `.ts`
 * @param env over this process' own
 * @param preload modules that are imported before it
 */
export async function runScript(
  script: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  preload: readonly string[] = [],
): Promise<ScriptResult> {
  const imports = ["./scripts/support/preload.mjs", ...preload].flatMap((it) => ["--import", it]);
  const child = spawn(process.execPath, [...imports, `scripts/${script}.ts`, ...args], {
    env: { ...process.env, NODE_ENV: "test", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, ended] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  const [code, signal] = ended as [number | null, NodeJS.Signals | null];
  return { code, signal, output: stdout + stderr.replace(/^servers: .*\n/, "") };
}

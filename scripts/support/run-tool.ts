/** Tools of `node_modules/.bin`, which npm puts on the PATH of its scripts. */
import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * Runs a tool to its end, in this terminal.
 * @param env overrides of this process' environment
 * @returns its exit code, 1 where a signal ended it
 * @throws where it can't be started, and, after its end, where this process was told to stop meanwhile
 */
export async function runTool(
  name: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<number> {
  const child = spawn(name, args, { stdio: "inherit", env: { ...process.env, ...env } });
  let stopped: NodeJS.Signals | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    stopped = signal;
    // The terminal sends Ctrl-C to the tool too.
    if (signal === "SIGTERM") child.kill();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    const [code] = (await once(child, "exit")) as [number | null];
    if (stopped) throw new Error(`${name}: stopped by ${stopped}`);
    return code ?? 1;
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

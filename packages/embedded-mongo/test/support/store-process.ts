/** The store as a separate process. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { storeProgram } from "../../src/index.ts";

export interface StoreProcess {
  readonly child: ChildProcess;
  /** The first printed line: its URI, without a password. */
  readonly uri: string;
  /** All lines so far. */
  readonly lines: readonly string[];
  /** Ends it with a signal and waits for its exit. Does nothing when it has ended. */
  end(signal: NodeJS.Signals): Promise<void>;
}

/** @throws when the process ends before it listens */
export async function storeProcess(...args: string[]): Promise<StoreProcess> {
  const child = spawn(process.execPath, [storeProgram, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const lines: string[] = [];
  const output = createInterface({ input: child.stdout });
  output.on("line", (line) => lines.push(line));
  const [uri] = await Promise.race([
    once(output, "line") as Promise<[string]>,
    once(child, "exit").then(([code]) => Promise.reject(new Error(`the store ended with ${code}`))),
  ]);
  return {
    child,
    uri,
    lines,
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill(signal);
      await gone;
    },
  };
}

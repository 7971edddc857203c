/**
 * Processes on one machine: starts them, labels their output, restarts them when they end, and stops them in order.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface Child {
  readonly name: string;
  readonly pid: number | undefined;
  /** Resolves with the first line that `ready` accepts. @throws when the process ends before */
  line(ready: (line: string) => boolean): Promise<string>;
  /** Sends SIGTERM, and SIGKILL after `timeoutMs`. Resolves when it has ended. */
  stop(timeoutMs: number): Promise<void>;
  /** The same, then starts it again. */
  restart(timeoutMs: number): Promise<void>;
}

export interface ChildOptions {
  env: NodeJS.ProcessEnv;
  /** Restart after an unexpected end, with growing pauses. */
  restart: boolean;
  /** URL of the module that runs first; this Souk's own unless given. */
  preload?: string;
  print(line: string): void;
}

/** Starts a TypeScript file of this project as a separate process. */
export function startChild(
  name: string,
  file: string,
  args: readonly string[],
  options: ChildOptions,
): Child {
  const listeners = new Set<{
    ready: (line: string) => boolean;
    resolve(line: string): void;
    reject(e: Error): void;
  }>();
  let current: ChildProcess;
  let stopping = false;
  let failures = 0;

  const start = () => {
    const startedAt = Date.now();
    current = spawn(process.execPath, ["--import", options.preload ?? preload, file, ...args], {
      env: options.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [current.stdout, current.stderr])
      if (stream)
        createInterface({ input: stream }).on("line", (line) => {
          options.print(`${name.padEnd(10)} ${line}`);
          for (const it of listeners) if (it.ready(line)) it.resolve(line);
        });
    current.on("exit", (code, signal) => {
      if (stopping) return;
      if (Date.now() - startedAt > 30_000) failures = 0;
      const delay = Math.min(250 * 2 ** failures++, 10_000);
      options.print(
        `${name.padEnd(10)} ended (${signal ?? code})${options.restart ? `, again in ${delay} ms` : ""}`,
      );
      if (options.restart) setTimeout(() => stopping || start(), delay);
      else for (const it of listeners) it.reject(new Error(`${name} ended (${signal ?? code})`));
    });
  };
  const stop = async (timeoutMs: number) => {
    stopping = true;
    await endProcess(current, timeoutMs);
  };
  start();

  return {
    name,
    get pid() {
      return current.pid;
    },
    line: (ready) =>
      new Promise((resolve, reject) => {
        const entry = {
          ready,
          resolve(line: string) {
            listeners.delete(entry);
            resolve(line);
          },
          reject,
        };
        listeners.add(entry);
      }),
    stop,
    async restart(timeoutMs) {
      await stop(timeoutMs);
      stopping = false;
      start();
    },
  };
}

/** A process that does one job and ends. It writes where this process writes. */
export interface Job extends Pick<Child, "name" | "stop"> {
  /** Resolves with its exit code, null where a signal has ended it. */
  readonly ended: Promise<number | null>;
}

export function startJob(name: string, file: string, env: NodeJS.ProcessEnv): Job {
  const job = spawn(process.execPath, ["--import", preload, file], { env, stdio: "inherit" });
  const ended = new Promise<number | null>((resolve) => job.once("exit", resolve));
  return { name, ended, stop: (timeoutMs) => endProcess(job, timeoutMs) };
}

/** Sends SIGTERM, and SIGKILL after `timeoutMs`. Resolves when it has ended. */
async function endProcess(child: ChildProcess, timeoutMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  await gone;
  clearTimeout(timer);
}

const preload = new URL("./preload.mjs", import.meta.url).href;

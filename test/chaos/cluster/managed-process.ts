/** A process that is killed, frozen and started again on purpose. It signals only the process that it started. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

export interface ManagedProcess {
  readonly name: string;
  readonly pid: number;
  /** Not ended, as far as is known. */
  readonly isUp: boolean;
  /** Unexpected ends, in words. */
  readonly crashes: readonly string[];
  start(): void;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT. */
  freeze(): void;
  thaw(): void;
  /** SIGTERM, and SIGKILL after `timeoutMs`; resolves with the exit code, null where a signal ended it. */
  terminate(timeoutMs: number): Promise<number | null>;
}

/** After an unexpected end. After a kill on purpose, the caller starts it again. */
const RESTART_AFTER_MS = 500;

/** @param spawn starts the process, the same way each time */
export function managedProcess(name: string, spawn: () => ChildProcess): ManagedProcess {
  const crashes: string[] = [];
  let child: ChildProcess | undefined;
  let ended = true;
  /** Whether we have ended it. */
  let expected = false;

  function start(): void {
    const started = spawn();
    child = started;
    ended = false;
    expected = false;
    const over = (why: string) => {
      if (child !== started || ended) return;
      ended = true;
      if (expected) return;
      crashes.push(why);
      setTimeout(() => ended && !expected && start(), RESTART_AFTER_MS).unref();
    };
    started.once("error", (error) => over(`${name}: ${error.message}`));
    started.once("exit", (code, signal) =>
      over(`${name} (${started.pid}) ended by itself: ${signal ?? code}`),
    );
  }

  async function gone(signal: NodeJS.Signals): Promise<void> {
    expected = true;
    if (!child || ended) return;
    const exit = once(child, "exit");
    child.kill(signal);
    await exit;
  }

  return {
    name,
    get pid() {
      return child?.pid ?? 0;
    },
    get isUp() {
      return !ended;
    },
    crashes,
    start,
    kill: () => gone("SIGKILL"),
    freeze: () => void (ended || child?.kill("SIGSTOP")),
    thaw: () => void (ended || child?.kill("SIGCONT")),
    async terminate(timeoutMs) {
      child?.kill("SIGCONT");
      const timer = setTimeout(() => child?.kill("SIGKILL"), timeoutMs);
      await gone("SIGTERM");
      clearTimeout(timer);
      return child?.exitCode ?? null;
    },
  };
}

/** How much CPU others use: processes that a bench did not start, here or in other containers. */
import { setTimeout as sleep } from "node:timers/promises";
import { allProcesses, commandLine, type Process, type Processes, readText, treeOf } from "./processes.ts";
import { nameOf } from "./usage.ts";

/** Cores. A machine at rest is below it. */
const QUIET = 0.15;
const LOOK_MS = 2_000;

export interface Snapshot {
  /** Milliseconds since some start. */
  at: number;
  /** CPU time of all programs of the machine, whoever can see them. */
  busyMs: number;
  processes: Processes;
}

export interface Others {
  /** Cores in use by others, on average. */
  cores: number;
  /** By command, in cores, the largest first. */
  all: { command: string; cores: number }[];
}

const UNSEEN = "processes that are not visible here, or have ended";

/**
 * CPU time in the first line of /proc/stat: user, nice and system, and what other guests took from this machine.
 * Interrupts are left out: a bench causes them too.
 */
export function parseBusy(stat: string): number {
  const [user = 0, nice = 0, system = 0, , , , , steal = 0] = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? "")
    .split(" ")
    .map(Number);
  return (user + nice + system + steal) * 10;
}

export const snapshot = (): Snapshot => ({
  at: performance.now(),
  busyMs: parseBusy(readText("/proc/stat") ?? ""),
  processes: allProcesses(),
});

/**
 * @param own process of the bench. It and its descendants do not count, neither does the kernel, which works for them
 * @param label how a process is called in the result
 */
export function othersBetween(
  before: Snapshot,
  after: Snapshot,
  own: number,
  label: (it: Process) => string = labelOf,
): Others {
  const elapsed = after.at - before.at;
  const usedMs = (it: Process, withEnded: boolean) => {
    const was = before.processes.get(it.pid);
    const ended = withEnded ? it.endedChildrenMs - (was?.endedChildrenMs ?? 0) : 0;
    return it.cpuMs - (was?.cpuMs ?? 0) + ended;
  };
  const ours = new Set(treeOf(own, after.processes));
  const kernel = new Set(isKernel(after.processes.get(2)) ? treeOf(2, after.processes) : []);
  let unseen = after.busyMs - before.busyMs;
  const byCommand = new Map<string, number>();
  for (const it of after.processes.values()) {
    const ms = usedMs(it, ours.has(it));
    unseen -= ms;
    if (ms <= 0 || ours.has(it) || kernel.has(it)) continue;
    const name = label(it);
    byCommand.set(name, (byCommand.get(name) ?? 0) + ms);
  }
  byCommand.set(UNSEEN, Math.max(0, unseen));
  return topOf(byCommand, elapsed);
}

/** @param coreMs milliseconds of CPU by command */
export function topOf(coreMs: ReadonlyMap<string, number>, elapsedMs: number): Others {
  const all = [...coreMs]
    .map(([command, ms]) => ({ command, cores: ms / elapsedMs }))
    .sort((a, b) => b.cores - a.cores);
  return { all, cores: all.reduce((sum, it) => sum + it.cores, 0) };
}

/** Node's processes are called by their scripts. */
const labelOf = ({ pid, command }: Process): string =>
  command === "node" || command === "MainThread" ? `node ${nameOf(commandLine(pid))}` : command;

const isKernel = (it: Process | undefined): boolean => it?.command === "kthreadd";

export const isQuiet = ({ cores }: Others): boolean => cores < QUIET;

/** "1.20 cores (node 1.05, beam.smp 0.15)" */
export function describeOthers({ cores, all }: Others): string {
  const top = all.filter((it) => it.cores >= 0.02).slice(0, 4);
  const who = top.map((it) => `${it.command} ${it.cores.toFixed(2)}`).join(", ");
  return `${cores.toFixed(2)} cores${who ? ` (${who})` : ""}`;
}

/** Waits until others use next to nothing, at most `limitMs`. */
export async function untilQuiet(limitMs: number, print: (line: string) => void): Promise<void> {
  const deadline = performance.now() + limitMs;
  let told = false;
  for (;;) {
    const before = snapshot();
    await sleep(LOOK_MS);
    const others = othersBetween(before, snapshot(), process.pid);
    if (isQuiet(others) || performance.now() > deadline) return;
    if (!told) print(`waiting for a quiet machine; others use ${describeOthers(others)}`);
    told = true;
  }
}

/** CPU time that processes have used, from Linux's /proc; zero elsewhere. */
import { readdirSync, readFileSync } from "node:fs";

/** USER_HZ is 100 on every Linux that Node runs on. */
const MS_PER_TICK = 10;

interface Stat {
  command: string;
  parent: number;
  cpuMs: number;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // The process or thread has ended, or there is no /proc.
    return undefined;
  }
}

const commandLine = (pid: number): string => readText(`/proc/${pid}/cmdline`) ?? "";

function readStat(path: string): Stat | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  const close = text.lastIndexOf(")");
  const fields = text.slice(close + 2).split(" ");
  return {
    command: text.slice(text.indexOf("(") + 1, close),
    parent: Number(fields[1]),
    cpuMs: (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK,
  };
}

/** Milliseconds of CPU used so far by the process and its descendants that live. */
export function cpuOfTree(root: number): number {
  const stats = allProcesses();
  const children = (pid: number): number[] =>
    [...stats].filter(([, it]) => it.parent === pid).map(([id]) => id);
  const total = (pid: number): number =>
    (stats.get(pid)?.cpuMs ?? 0) + children(pid).reduce((sum, child) => sum + total(child), 0);
  return total(root);
}

/** Milliseconds used by the children of `parent` whose command line has `part` in it. */
export function cpuOfChild(parent: number, part: string): number {
  let sum = 0;
  for (const [pid, stat] of allProcesses())
    if (stat.parent === parent && commandLine(pid).includes(part)) sum += stat.cpuMs;
  return sum;
}

/** Milliseconds used by one thread of a process, found by the name it gave itself. */
export function cpuOfThread(pid: number, name: string): number {
  let sum = 0;
  for (const tid of numbersIn(`/proc/${pid}/task`)) {
    const stat = readStat(`/proc/${pid}/task/${tid}/stat`);
    if (stat?.command === name) sum += stat.cpuMs;
  }
  return sum;
}

/** Milliseconds used by all processes with this command name, e.g. RabbitMQ's `beam.smp`. */
export function cpuOfCommand(command: string): number {
  return [...allProcesses().values()]
    .filter((it) => it.command === command)
    .reduce((sum, it) => sum + it.cpuMs, 0);
}

/** Resident memory of a process in MB. */
export function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readText(`/proc/${pid}/status`) ?? "")?.[1] ?? 0) / 1024;
}

function allProcesses(): Map<number, Stat> {
  const found = new Map<number, Stat>();
  for (const pid of numbersIn("/proc")) {
    const stat = readStat(`/proc/${pid}/stat`);
    if (stat) found.set(pid, stat);
  }
  return found;
}

function numbersIn(folder: string): number[] {
  try {
    return readdirSync(folder)
      .map(Number)
      .filter((it) => it > 0);
  } catch {
    return [];
  }
}

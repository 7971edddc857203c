/** Processes and threads of this machine, and the CPU time and memory that they use: from Linux's /proc. */
import { readdirSync, readFileSync } from "node:fs";

/** USER_HZ is 100 on every Linux that Node runs on. */
const MS_PER_TICK = 10;

export interface Process {
  pid: number;
  parent: number;
  /** At most 15 characters. */
  command: string;
  /** Milliseconds of CPU used so far. */
  cpuMs: number;
  /** The same of its children that have ended. */
  endedChildrenMs: number;
}

export type Processes = ReadonlyMap<number, Process>;

/** One line of /proc/PID/stat. The command may have spaces and brackets in it. */
export function parseStat(text: string): Process {
  const close = text.lastIndexOf(")");
  const fields = text.slice(close + 2).split(" ");
  const ms = (from: number) => (Number(fields[from]) + Number(fields[from + 1])) * MS_PER_TICK;
  return {
    pid: Number.parseInt(text, 10),
    parent: Number(fields[1]),
    command: text.slice(text.indexOf("(") + 1, close),
    cpuMs: ms(11),
    endedChildrenMs: ms(13),
  };
}

/** Empty where there is no /proc. */
export function allProcesses(): Processes {
  const found = new Map<number, Process>();
  for (const pid of numbersIn("/proc")) {
    const text = readText(`/proc/${pid}/stat`);
    if (text) found.set(pid, parseStat(text));
  }
  return found;
}

/** The process and its descendants that live. */
export function treeOf(root: number, processes: Processes): Process[] {
  const children = new Map<number, Process[]>();
  for (const it of processes.values()) children.set(it.parent, [...(children.get(it.parent) ?? []), it]);
  const from = (it: Process): Process[] => [it, ...(children.get(it.pid) ?? []).flatMap(from)];
  const top = processes.get(root);
  return top ? from(top) : [];
}

/** Milliseconds of CPU used so far by the process and its descendants that live. */
export const cpuOfTree = (root: number): number =>
  treeOf(root, allProcesses()).reduce((sum, it) => sum + it.cpuMs, 0);

export interface Thread {
  id: number;
  /** At most 15 characters. */
  name: string;
  cpuMs: number;
}

export function threadsOf(pid: number): Thread[] {
  return numbersIn(`/proc/${pid}/task`).flatMap((id) => {
    const text = readText(`/proc/${pid}/task/${id}/stat`);
    if (!text) return [];
    const { command, cpuMs } = parseStat(text);
    return [{ id, name: command, cpuMs: preciseMs(pid, id) ?? cpuMs }];
  });
}

/** Most kernels count nanoseconds as well. */
function preciseMs(pid: number, id: number): number | undefined {
  const text = readText(`/proc/${pid}/task/${id}/schedstat`);
  return text ? Number(text.split(" ")[0]) / 1e6 : undefined;
}

/** Milliseconds used by one thread of a process, found by the name it gave itself. */
export const cpuOfThread = (pid: number, name: string): number =>
  threadsOf(pid)
    .filter((it) => it.name === name)
    .reduce((sum, it) => sum + it.cpuMs, 0);

export const commandLine = (pid: number): string[] =>
  (readText(`/proc/${pid}/cmdline`) ?? "").split("\0").filter(Boolean);

export interface Memory {
  /** MB that are resident now. */
  resident: number;
  /** The most that ever were. */
  peak: number;
}

export function memoryOf(pid: number): Memory {
  const status = readText(`/proc/${pid}/status`) ?? "";
  const mb = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
  return { resident: mb("VmRSS"), peak: mb("VmHWM") };
}

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // The process or thread has ended, or there is no /proc.
    return undefined;
  }
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

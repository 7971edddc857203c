/** CPU time of a shop's processes, by what their threads do. */
import { basename } from "node:path";
import { allProcesses, commandLine, threadsOf, treeOf } from "./processes.ts";

/** Milliseconds. */
export interface Usage {
  total: number;
  /** The thread that runs JavaScript, but not the store's. */
  main: number;
  /** The store's threads, or the main thread of its process. */
  store: number;
  /** V8's helpers: compilation and garbage collection. */
  v8: number;
  /** The pool that reads and writes files, and computes hashes. */
  libuv: number;
}

/** By name of the process. */
export type UsageOfShop = ReadonlyMap<string, Usage>;

const STORE_PROCESS = "store";
/** As the store names the thread that writes, and those that read beside it. */
const STORE_THREADS = ["embedded-mongo", "mongo-reader"];

/** @param root the shop's first process */
export function usageOfShop(root: number): UsageOfShop {
  const found = new Map<string, Usage>();
  for (const { pid, cpuMs } of treeOf(root, allProcesses())) {
    const name = nameOf(commandLine(pid));
    const threads = threadsOf(pid);
    const sum = (is: (thread: { id: number; name: string }) => boolean) =>
      threads.filter(is).reduce((ms, it) => ms + it.cpuMs, 0);
    const main = sum((it) => it.id === pid);
    const isStore = name === STORE_PROCESS;
    found.set(name, {
      total: cpuMs,
      main: isStore ? 0 : main,
      store: (isStore ? main : 0) + sum((it) => STORE_THREADS.some((name) => it.name.startsWith(name))),
      v8: sum((it) => it.name === "V8Worker" || it.name.startsWith("DelayedTask")),
      libuv: sum((it) => it.name.startsWith("libuv")),
    });
  }
  return found;
}

/** What the command line runs: a script, or the services of a node. */
export function nameOf([, ...args]: readonly string[]): string {
  const at = args.findIndex((it, n) => /\.[cm]?[jt]s$/.test(it) && args[n - 1] !== "--import");
  const script = basename(args[at] ?? "").replace(/\.[cm]?[jt]s$/, "");
  if (script === "main") return STORE_PROCESS;
  const services = args.slice(at + 1).filter((it) => !it.startsWith("-"));
  if (script !== "node" || services.length === 0) return script || "process";
  return services.length > 2 ? `${services[0]} and ${services.length - 1} more` : services.join("+");
}

const NOTHING: Usage = { total: 0, main: 0, store: 0, v8: 0, libuv: 0 };

/** Of each process that lives after. */
export function usageBetween(before: UsageOfShop, after: UsageOfShop): UsageOfShop {
  return new Map(
    [...after].map(([name, now]) => {
      const was = before.get(name) ?? NOTHING;
      return [
        name,
        {
          total: now.total - was.total,
          main: now.main - was.main,
          store: now.store - was.store,
          v8: now.v8 - was.v8,
          libuv: now.libuv - was.libuv,
        },
      ];
    }),
  );
}

export function sumOf(usage: UsageOfShop): Usage {
  const sum = { ...NOTHING };
  for (const it of usage.values())
    for (const key of ["total", "main", "store", "v8", "libuv"] as const) sum[key] += it[key];
  return sum;
}

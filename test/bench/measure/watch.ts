/** Looks at the machine once a second while a bench runs. */
import { memoryOf, treeOf } from "./processes.ts";
import { type Others, othersBetween, snapshot, topOf } from "./quiet.ts";

const EVERY_MS = 1_000;

export interface Watch {
  /** What others used meanwhile. */
  stop(): Others;
}

/** Other programs' use of the machine. Short-lived ones are seen where they live for a second. */
export function watchOthers(): Watch {
  const started = snapshot();
  let last = started;
  const coreMs = new Map<string, number>();
  const look = () => {
    const now = snapshot();
    for (const { command, cores } of othersBetween(last, now, process.pid).all)
      coreMs.set(command, (coreMs.get(command) ?? 0) + cores * (now.at - last.at));
    last = now;
  };
  const timer = setInterval(look, EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      look();
      return topOf(coreMs, last.at - started.at);
    },
  };
}

export interface MemoryWatch {
  /** The most that all processes of the tree had resident together, in MB. */
  stop(): number;
}

export function watchMemory(root: number): MemoryWatch {
  let peak = 0;
  const look = () => {
    const all = treeOf(root, snapshot().processes).map((it) => memoryOf(it.pid));
    const resident = all.reduce((sum, it) => sum + it.resident, 0);
    // The kernel knows the peak of a single process exactly.
    peak = Math.max(peak, all.length === 1 ? (all[0]?.peak ?? 0) : resident);
  };
  const timer = setInterval(look, EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      look();
      return peak;
    },
  };
}

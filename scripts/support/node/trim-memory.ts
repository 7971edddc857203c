/** Gives back what starting has used and running does not need. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const AFTER_MS = 2_000;

/**
 * Loading code leaves some 50 MB of garbage in a heap that has grown for it, and an idle V8 sees no reason to
 * collect it. One full collection, shortly after the start, does: an idle node is that much smaller.
 */
export function trimMemorySoon(): void {
  setTimeout(() => {
    setFlagsFromString("--expose-gc");
    const collect: (options: object) => void = runInNewContext("gc");
    setFlagsFromString("--no-expose-gc");
    collect({ type: "major", execution: "sync", flavor: "last-resort" });
  }, AFTER_MS).unref();
}

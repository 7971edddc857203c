/** Frees memory that only the start needed. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const AFTER_MS = 2_000;

/**
 * Loading code leaves some 50 MB of garbage, which an idle V8 does not collect. One full collection, shortly after
 * the start, frees it.
 */
export function trimMemorySoon(): void {
  setTimeout(() => {
    setFlagsFromString("--expose-gc");
    const collect: (options: object) => void = runInNewContext("gc");
    setFlagsFromString("--no-expose-gc");
    collect({ type: "major", execution: "sync", flavor: "last-resort" });
  }, AFTER_MS).unref();
}

/** Counts soon after something was recorded. Many records at once cost little more than one. */
import { redactedReason } from "../../../broker/contract/secrets/redact.ts";
import type { Log } from "../../../broker/resilience/log.ts";
import { rateLimitedLog } from "../../../broker/resilience/rate-limited-log.ts";

const SOON_MS = 1_000;
/** What a crashed node has recorded is counted by then. */
const EVERY_MS = 30_000;

export interface Counting {
  soon(): void;
  start(): void;
  /** Counts what is left. */
  stop(): Promise<void>;
}

/** @param count counts what there is. It runs once at a time */
export function createCounting(count: () => Promise<void>, log: Log): Counting {
  let timer: NodeJS.Timeout | undefined;
  let regular: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let stopped = false;

  function run(): void {
    timer = undefined;
    running = running.then(count).catch((error: unknown) => {
      if (stopped) return;
      rateLimitedLog(log).warn("counters", "events were not counted yet, will try again", {
        reason: redactedReason(error),
      });
    });
  }

  return {
    soon() {
      if (!stopped) timer ??= setTimeout(run, SOON_MS).unref();
    },
    start() {
      regular = setInterval(run, EVERY_MS).unref();
      run();
    },
    async stop() {
      clearInterval(regular);
      // What was recorded a moment ago is counted now.
      if (timer) {
        clearTimeout(timer);
        run();
      }
      stopped = true;
      await running;
    },
  };
}

/** Updates listings below changed categories in the background. It may concern all products of the shop. */
import { redactedReason } from "../../../broker/contract/secrets/redact.ts";
import type { Log } from "../../../broker/resilience/log.ts";
import { rateLimitedLog } from "../../../broker/resilience/rate-limited-log.ts";
import { reindexBelowMarked } from "./reindex-below.ts";
import type { CategoryTools } from "./write-category.ts";

/** How often it looks for marked categories that a stopped node has left behind. */
const EVERY_MS = 60_000;

export interface Reindexing {
  start(): void;
  /** Looks for marked categories now, or after the running pass. */
  run(): void;
  stop(): Promise<void>;
}

/** @param done called after a run that has changed products */
export function createReindexing(tools: CategoryTools, done: () => void, log: Log): Reindexing {
  const stopping = new AbortController();
  let running = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  function run(): void {
    running = running
      .then(() => reindexBelowMarked(tools, stopping.signal))
      .then(
        (count) => {
          if (count > 0) done();
        },
        (error: Error) =>
          rateLimitedLog(log).warn("listing", "products were not listed anew yet", {
            reason: redactedReason(error),
          }),
      );
  }

  return {
    start() {
      timer = setInterval(run, EVERY_MS).unref();
      run();
    },
    run,
    async stop() {
      clearInterval(timer);
      stopping.abort();
      await running;
    },
  };
}

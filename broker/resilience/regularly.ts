/** Work that is done now and then in the background, such as removing what a crash has left. */
import { redactedReason } from "../contract/secrets/redact.ts";
import type { Log } from "./log.ts";

const EVERY_MS = 6 * 60 * 60_000;

export interface Regularly {
  start(): void;
  stop(): void;
}

/** The first time is after `everyMs`. What fails is done again the next time. */
export function regularly(work: () => Promise<void>, log: Log, everyMs = EVERY_MS): Regularly {
  let timer: NodeJS.Timeout | undefined;
  const run = () =>
    work().catch((error: unknown) =>
      log.warn("work in the background has failed", { reason: redactedReason(error) }),
    );
  return {
    start() {
      timer = setInterval(run, everyMs).unref();
    },
    stop() {
      clearInterval(timer);
    },
  };
}

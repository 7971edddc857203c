import type { Log } from "./log.ts";

const nothing = () => undefined;

/** A log for tests that look at effects, not at lines. */
export const silentLog: Log = {
  fatal: nothing,
  error: nothing,
  warn: nothing,
  info: nothing,
  debug: nothing,
  trace: nothing,
};

/** A log that keeps its lines, for tests. */
import type { Log } from "../../broker/resilience/log.ts";

export interface KeptLine {
  level: string;
  message: string;
  fields: unknown;
}

export function quietLog(): Log & { readonly lines: readonly KeptLine[] } {
  const lines: KeptLine[] = [];
  const keep =
    (level: string) =>
    (message: unknown, fields?: unknown): void => {
      lines.push({ level, message: String(message), fields });
    };
  const log = {
    lines,
    fatal: keep("fatal"),
    error: keep("error"),
    warn: keep("warn"),
    info: keep("info"),
    debug: keep("debug"),
    trace: keep("trace"),
  };
  // The bus calls the level methods only; Moleculer's class has private parts that a test can't make.
  return log;
}

import { inspect } from "node:util";
import { redact } from "../contract/secrets/redact.ts";

/** An error in bounded form, as stored with a dead message. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
}

export function describeFailure(error: Error): Failure {
  const { code, type } = error as { code?: unknown; type?: unknown };
  const known = [type, code].find((it) => typeof it === "string" || typeof it === "number");
  return {
    name: text(error.name, 200),
    message: text(error.message, 2_000),
    ...(known === undefined ? {} : { code: text(known, 200) }),
    ...(error.stack ? { stack: text(error.stack, 4_000) } : {}),
  };
}

/** Some libraries put other values than strings into these. */
const text = (value: unknown, max: number): string =>
  redact(typeof value === "string" ? value : inspect(value)).slice(0, max);

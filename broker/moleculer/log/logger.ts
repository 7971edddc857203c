/** Logs through winston: one line per entry, text for people, JSON for machines. Neither contains secrets. */
import type { BrokerOptions } from "moleculer";
import winston from "winston";
import { oneLine, redact } from "../../contract/secrets/redact.ts";
import type { Log } from "../../resilience/log.ts";
import type { Config } from "../config.ts";
import { withoutRepetition } from "./repeated-lines.ts";

const { combine, timestamp, printf, errors, json } = winston.format;

/** Where winston keeps the values logged after the message, and the final line. */
const SPLAT = Symbol.for("splat");
const LINE = Symbol.for("message");

/** Fields that never reach a log, at any depth. */
const SECRET =
  /^(authorization|cookie|password|passwordHash|token|accessToken|refreshToken|clientSecret|secret|set-cookie)$/i;
const MAX_DEPTH = 4;

/** Restores what winston drops: text after the message, and fields after a message with a `%s` in it. */
const completed = winston.format((info) => {
  const rest: unknown[] = Array.isArray(info[SPLAT]) ? info[SPLAT] : [];
  for (const it of rest)
    if (typeof it !== "object") info.message = `${info.message} ${it}`;
    else if (it !== null && !(it instanceof Error))
      for (const [key, value] of Object.entries(it)) if (!(key in info)) info[key] = value;
  return info;
});

const withoutFields = winston.format((info) => {
  for (const key of Object.keys(info)) info[key] = withoutSecrets(key, info[key], 0);
  return info;
});

function withoutSecrets(key: string, value: unknown, depth: number): unknown {
  if (SECRET.test(key)) return "***";
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth > MAX_DEPTH) return "…";
  if (value instanceof Error) return describeError(value, depth);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if ("toJSON" in value && typeof value.toJSON === "function") return value.toJSON();
  if (Array.isArray(value)) return value.map((it) => withoutSecrets("", it, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, withoutSecrets(k, v, depth + 1)]));
}

/** Keeps only the description of an error. Drivers attach whole commands to their errors. */
function describeError({ name, message, stack, cause, ...rest }: Error, depth: number): object {
  const code = "code" in rest ? { code: rest.code } : {};
  const why = cause === undefined ? {} : { cause: withoutSecrets("cause", cause, depth + 1) };
  return { name, message, ...code, ...why, stack };
}

const text = printf(({ timestamp, level, message, mod, svc, nodeID, ns, ver, stack, ...fields }) => {
  const extra = JSON.stringify(fields);
  const head = `${timestamp} ${level.toUpperCase().padEnd(5)} ${svc ?? mod ?? ""}: ${message}${extra === "{}" ? "" : ` ${extra}`}`;
  // Indented, so that no line of it looks like an entry.
  return [head, ...(stack ? String(stack).split("\n") : [])].map(oneLine).join("\n  ");
});

/** The last step, over the whole line. It finds secrets that no field name reveals. */
const redacted = winston.format((info) => {
  info[LINE] = redact(String(info[LINE]));
  return info;
});

/** JSON in production, text elsewhere, unless LOG_FORMAT is set. */
export const logFormat = ({
  LOG_FORMAT,
  NODE_ENV,
}: Pick<Config, "LOG_FORMAT" | "NODE_ENV">): "json" | "text" =>
  LOG_FORMAT ?? (NODE_ENV === "production" ? "json" : "text");

const format = (config: Config) =>
  combine(
    errors({ stack: true }),
    completed(),
    withoutRepetition(),
    timestamp(),
    withoutFields(),
    logFormat(config) === "json" ? json() : text,
    redacted(),
  );

export function loggerOptions(config: Config): BrokerOptions["logger"] {
  return {
    type: "Winston",
    options: {
      winston: {
        level: "silly",
        format: format(config),
        transports: [new winston.transports.Console()],
      },
    },
  } as BrokerOptions["logger"];
}

const LEVELS = { fatal: 0, error: 1, warn: 2, info: 3, debug: 4, trace: 5 } as const;

/** A log without a broker, for scripts. It writes to standard error, because results go to standard output. */
export function scriptLog(config: Config, mod: string): Log {
  const logger = winston.createLogger({
    levels: LEVELS,
    level: config.LOG_LEVEL,
    format: format(config),
    defaultMeta: { mod },
    transports: [new winston.transports.Console({ stderrLevels: Object.keys(LEVELS) })],
  });
  // It has a method for each of the levels above. Moleculer's class also has private parts.
  return logger as winston.Logger & Log;
}

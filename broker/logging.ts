/** Logs through winston: one line an entry, text for people, JSON for machines. */
import type { BrokerOptions } from "moleculer";
import winston from "winston";
import type { Config } from "./config.ts";

const { combine, timestamp, printf, errors, json } = winston.format;

/** Fields that never reach a log, however deep they stand. */
const SECRET =
  /^(authorization|cookie|password|passwordHash|token|accessToken|refreshToken|clientSecret|secret|set-cookie)$/i;

const redact = winston.format((info) => {
  for (const key of Object.keys(info)) info[key] = withoutSecrets(key, info[key], 0);
  return info;
});

function withoutSecrets(key: string, value: unknown, depth: number): unknown {
  if (SECRET.test(key)) return "***";
  if (typeof value !== "object" || value === null || value instanceof Error || depth > 4) return value;
  if (Array.isArray(value)) return value.map((it) => withoutSecrets("", it, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, withoutSecrets(k, v, depth + 1)]));
}

const text = printf(({ timestamp, level, message, mod, svc, nodeID, ns, ver, stack, ...fields }) => {
  const extra = Object.keys(fields).length > 0 ? ` ${JSON.stringify(fields)}` : "";
  return `${timestamp} ${level.toUpperCase().padEnd(5)} ${svc ?? mod ?? ""}: ${message}${extra}${stack ? `\n${stack}` : ""}`;
});

/** JSON in production, text elsewhere, unless LOG_FORMAT says otherwise. */
export const logFormat = ({ LOG_FORMAT, NODE_ENV }: Config): "json" | "text" =>
  LOG_FORMAT ?? (NODE_ENV === "production" ? "json" : "text");

export function loggerOptions(config: Config): BrokerOptions["logger"] {
  return {
    type: "Winston",
    options: {
      winston: {
        level: "silly",
        format: combine(
          errors({ stack: true }),
          timestamp(),
          redact(),
          logFormat(config) === "json" ? json() : text,
        ),
        transports: [new winston.transports.Console()],
      },
    },
  } as BrokerOptions["logger"];
}

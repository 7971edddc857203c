/** The one schema of the environment. A bad value stops the start with a line that names the variable. */
import { readFileSync } from "node:fs";
import { z } from "zod";

const whole = (min: number, max: number) => z.coerce.number<string>().int().min(min).max(max);
const duration = (fallbackMs: number) =>
  z
    .string()
    .regex(/^\d+(ms|s|m|h|d)$/, "must be a duration like 500ms, 30s, 30m, 2h or 7d")
    .transform((it) => {
      const unit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
      const [, n = "", u = "ms"] = /^(\d+)(\D+)$/.exec(it) ?? [];
      return Number(n) * unit[u as keyof typeof unit];
    })
    .default(fallbackMs);
const url = (...protocols: string[]) =>
  z
    .string()
    .refine(
      (it) => protocols.some((protocol) => it.startsWith(`${protocol}://`)),
      `must start with ${protocols.join(":// or ")}://`,
    )
    .optional();
const secret = z.string().min(16, "must have at least 16 characters");

export const environment = z.object({
  NODE_ENV: z
    .enum(["development", "test", "production"])
    .default("development")
    .describe("development, test or production; production refuses embedded defaults, see ALLOW_EMBEDDED"),
  PORT: whole(0, 65_535).default(3000).describe("Port of the REST gateway; 0 picks a free one"),
  HOST: z.string().min(1).default("127.0.0.1").describe("Address that the gateway listens on"),
  PUBLIC_URL: url("http", "https").describe(
    "Where clients and payment providers reach the gateway; from HOST and PORT unless set",
  ),
  DATA_DIR: z
    .string()
    .min(1)
    .default("./data")
    .describe("Folder of the embedded store and of generated secrets"),
  AMQP_URL: url("amqp", "amqps").describe("RabbitMQ; without it messages stay in this process"),
  AMQP_PREFIX: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/, "must be lower-case letters, digits and -")
    .default("souk")
    .describe("First part of the names of exchanges and queues"),
  MONGO_URL: url("mongodb", "mongodb+srv").describe(
    "MongoDB replica set; without it the embedded store in DATA_DIR",
  ),
  REDIS_URL: url("redis", "rediss").describe(
    "Redis for cache, carts and rate limits; without it memory and MongoDB",
  ),
  TRANSPORTER: z
    .string()
    .min(1)
    .optional()
    .describe("Moleculer transporter; AMQP where AMQP_URL is set, else none"),
  NAMESPACE: z
    .string()
    .regex(/^[a-z0-9-]*$/)
    .default("")
    .describe("Moleculer namespace"),
  NODE_ID: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,80}$/, "must be letters, digits, . _ and -")
    .optional()
    .describe("Name of this node; made from host and process unless set"),
  SERVICES: z
    .string()
    .regex(/^[a-z]+([ ,]+[a-z]+)*$/, "must be names of services")
    .optional()
    .describe("Services that this node runs; all unless set"),
  LOG_LEVEL: z
    .enum(["fatal", "error", "warn", "info", "debug", "trace"])
    .default("info")
    .describe("Least severe level that is logged"),
  LOG_FORMAT: z.enum(["text", "json"]).optional().describe("json in production, text elsewhere unless set"),
  RATE_LIMIT: z
    .union([z.literal("off"), whole(1, 1_000_000)])
    .default(300)
    .describe("Requests a minute per caller, or off"),
  CORS_ORIGINS: z
    .string()
    .default("")
    .describe("Origins that browsers may call from, separated by commas; none unless set"),
  TRUST_PROXY: whole(0, 10)
    .default(0)
    .describe(
      "Trusted proxies in front of the gateway: the client's address is that many entries from the right of X-Forwarded-For; 0 ignores the header",
    ),
  METRICS: z
    .enum(["on", "off"])
    .default("on")
    .describe("on counts, and serves /metrics for Prometheus; off does neither"),
  CURRENCY: z
    .string()
    .regex(/^[A-Z]{3}$/, "must be an ISO 4217 code")
    .default("USD")
    .describe("The shop's currency: empty carts and the demo catalogue are in it"),
  ORDER_TTL: duration(30 * 60_000).describe("Time to pay an order before it expires"),
  CART_TTL: duration(7 * 86_400_000).describe("Time until an untouched cart goes"),
  ACCESS_TOKEN_TTL: duration(15 * 60_000).describe("Lifetime of access tokens, at most 15m"),
  REFRESH_TOKEN_TTL: duration(30 * 86_400_000).describe("Lifetime of a session"),
  BOOTSTRAP_TOKEN: secret
    .optional()
    .describe("Makes the first admin; generated and printed at the first start unless set"),
  JWT_PRIVATE_KEY: z
    .string()
    .startsWith("-----BEGIN", "must be a PEM private key")
    .optional()
    .describe("ES256 key in PEM (PKCS 8); kept in the users database unless set"),
  SANDBOX_WEBHOOK_SECRET: secret
    .optional()
    .describe(
      "Signs the sandbox provider's webhooks; derived and kept in DATA_DIR or the database unless set",
    ),
  MIGRATE_ON_START: z.stringbool().default(true).describe("Apply pending migrations when a service starts"),
  SEED_ON_START: z
    .stringbool()
    .default(true)
    .describe("Seed the demo catalogue when npm start finds an empty shop"),
  SEED_COUNT: whole(0, 1_000_000).default(1_000).describe("Products of the demo catalogue"),
  ALLOW_EMBEDDED: z.stringbool().default(false).describe("Permit embedded defaults in production"),
  EMBEDDED_SYNC: z
    .enum(["full", "normal"])
    .default("full")
    .describe("full survives power loss, normal survives kill -9 only"),
  MAX_IN_FLIGHT: whole(1, 100_000)
    .default(512)
    .describe("Requests that the gateway works on at once; more get 503"),
  SHUTDOWN_TIMEOUT: duration(15_000).describe("Time to drain before a stop is forced"),
});

export type Config = z.output<typeof environment>;

export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Names that may be given as `NAME_FILE` too: the file's content, without the last line break, is the value. */
export const SECRETS = [
  "AMQP_URL",
  "MONGO_URL",
  "REDIS_URL",
  "BOOTSTRAP_TOKEN",
  "JWT_PRIVATE_KEY",
  "SANDBOX_WEBHOOK_SECRET",
] as const;

/**
 * Parses the environment. Empty values count as unset.
 * @throws {ConfigError} with one line per bad variable; values of secrets are never repeated
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const given: Record<string, string> = {};
  for (const name of Object.keys(environment.shape)) if (env[name]) given[name] = env[name];
  for (const name of SECRETS) {
    const file = env[`${name}_FILE`];
    if (!file) continue;
    if (given[name]) throw new ConfigError(`${name}: set either ${name} or ${name}_FILE, not both`);
    try {
      given[name] = readFileSync(file, "utf8").replace(/\r?\n$/, "");
    } catch (cause) {
      throw new ConfigError(`${name}_FILE: can't read ${file}`, { cause });
    }
  }
  const parsed = environment.safeParse(given);
  if (!parsed.success)
    throw new ConfigError(parsed.error.issues.map((it) => `${it.path.join(".")}: ${it.message}`).join("\n"));
  const config = parsed.data;
  if (config.ACCESS_TOKEN_TTL > 15 * 60_000) throw new ConfigError("ACCESS_TOKEN_TTL: must be at most 15m");
  if (config.NODE_ENV === "production" && !config.ALLOW_EMBEDDED)
    for (const name of ["AMQP_URL", "MONGO_URL", "REDIS_URL"] as const)
      if (!config[name]) throw new ConfigError(`${name}: must be set in production (or ALLOW_EMBEDDED=1)`);
  return config;
}

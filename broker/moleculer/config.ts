/**
 * The variables that every node has, put together with those that contracts declare. A bad value stops the start with a line
 * that names the variable.
 */
import { z } from "zod";
import { addressError } from "../bus/amqp/address.ts";
import { knownContracts, type ServiceContract } from "../contract/contract.ts";
import {
  ConfigError,
  type ConfigOf,
  defineConfig,
  duration,
  joinVariables,
  parseVariables,
  url,
  whole,
} from "../contract/variables.ts";
import { redisAddressError } from "./redis-address.ts";

/** A text in which `errorOf` finds no error. */
const without = (errorOf: (text: string) => string | undefined) =>
  z.string().superRefine((it, context) => {
    const message = errorOf(it);
    if (message) context.addIssue({ code: "custom", message });
  });

const TRANSPORTERS = /^(?:amqp|nats|redis|tcp|fake)$/i;

function transporterError(text: string): string | undefined {
  if (TRANSPORTERS.test(text)) return undefined;
  if (/^amqps?:/i.test(text)) return addressError(text);
  if (/^rediss?:/i.test(text)) return redisAddressError(text);
  if (/^nats:/i.test(text) && text.split(",").every((it) => URL.canParse(it))) return undefined;
  if (/^tcp:/i.test(text)) return undefined;
  return "must be AMQP, NATS, Redis or TCP, or an address with amqp://, amqps://, nats://, redis://, rediss:// or tcp://";
}

/** The variables of every node. */
const shape = {
  NODE_ENV: z
    .enum(["development", "test", "production"])
    .default("development")
    .describe("development, test or production; production refuses embedded defaults, see ALLOW_EMBEDDED"),
  PORT: whole(0, 65_535).default(3000).describe("Port of the REST gateway; 0 picks a free one"),
  HOST: z.string().min(1).default("127.0.0.1").describe("Address that the gateway listens on"),
  PUBLIC_URL: url("http", "https").describe(
    "Public address of the gateway, for clients and payment providers; made from HOST and PORT unless set",
  ),
  OPS_PORT: z
    .union([z.literal("off"), whole(0, 65_535)])
    .optional()
    .describe(
      "Port of every node's /health/live, /health/ready and /metrics, or off. Default: npm start uses PORT + 6464, npm run cluster that and the next ones, other nodes a free port that they log",
    ),
  OPS_HOST: z.string().min(1).default("127.0.0.1").describe("Address that the operations port listens on"),
  DATA_DIR: z
    .string()
    .min(1)
    .default("./data")
    .describe("Folder of the embedded store and of generated secrets"),
  FILES_DIR: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Folder of imported files and pictures; files in DATA_DIR unless set. Nodes of one shop on several machines must share it",
    ),
  BUCKET_URL: url("http", "https").describe(
    "Bucket of a store that speaks S3, as https://s3.example/souk, for files instead of FILES_DIR",
  ),
  BUCKET_REGION: z.string().min(1).default("us-east-1").describe("Region of the bucket"),
  BUCKET_ACCESS_KEY: z.string().min(1).optional().describe("Access key of the bucket"),
  BUCKET_SECRET_KEY: z.string().min(1).optional().describe("Secret key of the bucket"),
  AMQP_URL: without(addressError)
    .optional()
    .describe(
      "RabbitMQ, or several nodes of its cluster separated by commas; without it, messages stay in this process",
    ),
  AMQP_PREFIX: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/, "must be lower-case letters, digits and -")
    .default("souk")
    .describe("First part of the names of exchanges and queues"),
  MONGO_URL: url("mongodb", "mongodb+srv").describe(
    "MongoDB replica set; without it, the embedded store in DATA_DIR is used",
  ),
  REDIS_URL: without(redisAddressError)
    .optional()
    .describe(
      "Redis for carts and rate limits; without it memory and MongoDB. Of a master with Sentinels: redis+sentinel://one:26379,two:26379/mymaster",
    ),
  TRANSPORTER: without(transporterError)
    .optional()
    .describe(
      "Moleculer transporter: AMQP, NATS, Redis, TCP or an address; AMQP where AMQP_URL is set, else none",
    ),
  NAMESPACE: z
    .string()
    .regex(/^[a-z0-9-]*$/)
    .optional()
    .describe(
      "What keeps calls, carts and counts of shops apart that share a transporter or a Redis; AMQP_PREFIX, where that is not souk, unless set",
    ),
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
  EXTENSIONS: z
    .string()
    .optional()
    .describe(
      "Extensions of the shop, separated by commas: paths from the working folder (./loyalty/souk.ts) or names of packages",
    ),
  LOG_LEVEL: z
    .enum(["fatal", "error", "warn", "info", "debug", "trace"])
    .default("info")
    .describe("Least severe level that is logged"),
  LOG_FORMAT: z.enum(["text", "json"]).optional().describe("json in production, text elsewhere unless set"),
  ACCESS_LOG: z
    .enum(["on", "off"])
    .optional()
    .describe("One line per answered request, at any LOG_LEVEL; on unless set, but off in tests"),
  RATE_LIMIT: z
    .union([z.literal("off"), whole(1, 1_000_000)])
    .default(300)
    .describe("Requests per minute and caller, or off"),
  CORS_ORIGINS: z
    .string()
    .default("")
    .describe("Origins that browsers may call from, separated by commas; none unless set"),
  TRUST_PROXY: whole(0, 10)
    .default(0)
    .describe(
      "Number of trusted proxies in front of the gateway; the client's address is that many entries from the right of X-Forwarded-For, 0 ignores the header",
    ),
  METRICS: z
    .enum(["on", "off"])
    .default("on")
    .describe("on collects metrics and serves /metrics for Prometheus on OPS_PORT; off does neither"),
  MIGRATE_ON_START: z.stringbool().default(true).describe("Apply pending migrations when a service starts"),
  ALLOW_EMBEDDED: z.stringbool().default(false).describe("Permit embedded defaults in production"),
  EMBEDDED_SYNC: z
    .enum(["full", "normal"])
    .default("full")
    .describe("full survives power loss, normal survives kill -9 only"),
  MAX_IN_FLIGHT: whole(1, 100_000)
    .default(512)
    .describe(
      "Maximum number of concurrent requests of the gateway, and of bodies being received; more get 503",
    ),
  MAX_IN_FLIGHT_PER_CALLER: whole(1, 100_000)
    .optional()
    .describe(
      "The same per user, or per address without a user (of IPv6 a /64); more get 429. 32 unless set, and no limit where RATE_LIMIT is off",
    ),
  MAX_IN_FLIGHT_PER_ADDRESS: whole(1, 100_000)
    .optional()
    .describe(
      "The same for all users of one address; more get 429. 128 unless set, and no limit where RATE_LIMIT is off",
    ),
  MAX_PIPELINED: whole(0, 1_000)
    .default(16)
    .describe(
      "Requests that may wait on one connection behind the running one; a connection with more is closed",
    ),
  MIN_BODY_RATE: whole(1, 1_000_000)
    .default(240)
    .describe("Minimum rate of a body in bytes per second, after its first 5 s; a slower one gets 408"),
  WRITE_TIMEOUT: duration(20_000)
    .refine((it) => it >= 1_000, "must be at least 1s")
    .describe("A client that reads nothing of its answer for this time is disconnected"),
  MAX_STREAMS: whole(1, 100_000).default(1_000).describe("Maximum number of event streams; more get 503"),
  MAX_STREAMS_PER_CALLER: whole(1, 100_000)
    .default(5)
    .describe("Maximum number of event streams per user; more get 429"),
  MAX_STREAMS_PER_ADDRESS: whole(1, 100_000)
    .default(100)
    .describe("Maximum number of event streams per address; more get 429"),
  SHUTDOWN_DELAY: duration(0)
    .refine((it) => it <= 60_000, "must be at most 60s")
    .describe(
      "How long a stopping gateway still accepts requests while /health/ready answers 503; longer than load balancers need to notice",
    ),
  SHUTDOWN_TIMEOUT: duration(15_000).describe("Time to drain before a stop is forced"),
};
/** Those of every node. */
export const nodeVariables = defineConfig(shape, ["AMQP_URL", "MONGO_URL", "REDIS_URL", "BUCKET_SECRET_KEY"]);

/** What a node was told. Each domain adds its own by declaration merging. */
export interface Config extends Omit<ConfigOf<typeof nodeVariables>, "NAMESPACE"> {
  readonly NAMESPACE: string;
  /** The environment as given, for parts that are configured apart, such as payment providers. */
  readonly variables: Readonly<NodeJS.ProcessEnv>;
}

/**
 * A prefix that separates queues separates everything else too. Shops with the default prefix have an empty
 * namespace.
 */
const namespaceOf = (prefix: string): string => (prefix === "souk" ? "" : prefix);

/**
 * The configuration of a node.
 * @param contracts whose variables it has; all that are loaded unless told
 * @throws {ConfigError} with one line for each bad variable
 */
export function loadConfig(
  env: NodeJS.ProcessEnv,
  contracts: readonly ServiceContract[] = knownContracts(),
): Config {
  const declared = joinVariables([nodeVariables, ...contracts.flatMap(({ config }) => config ?? [])]);
  const parsed = parseVariables(declared, env) as Omit<Config, "NAMESPACE"> & {
    NAMESPACE?: string;
  };
  const config = {
    ...parsed,
    NAMESPACE: parsed.NAMESPACE ?? namespaceOf(parsed.AMQP_PREFIX),
    variables: env,
  };
  if (/^amqp$/i.test(config.TRANSPORTER ?? "") && !config.AMQP_URL)
    throw new ConfigError("TRANSPORTER: is AMQP, but AMQP_URL is not set");
  if (config.NODE_ENV === "production" && !config.ALLOW_EMBEDDED)
    for (const name of ["AMQP_URL", "MONGO_URL", "REDIS_URL"] as const)
      if (!config[name]) throw new ConfigError(`${name}: must be set in production (or ALLOW_EMBEDDED=1)`);
  return config;
}

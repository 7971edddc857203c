/**
 * Which servers a command uses, by one rule: those in the environment. If it names none, those of the shop on
 * DATA_DIR, which it has recorded there. Otherwise the embedded defaults.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { closeDataFolder } from "@souk/embedded-mongo";
import { redact } from "../../broker/contract/secrets/redact.ts";
import type { Config } from "../../broker/moleculer/config.ts";
import { isDatabaseVariable } from "../../broker/mongo/service-databases.ts";
import { isPath } from "../../souk/load-shop.ts";

const FILE = "shop.json";
const DEFAULT_FOLDER = "./data";

/** These identify a shop. A command that names another one of these means another shop. */
const IDENTITY = ["AMQP_URL", "AMQP_URL_FILE", "MONGO_URL", "MONGO_URL_FILE", "AMQP_PREFIX"] as const;
const REMEMBERED = [
  ...IDENTITY,
  "NAMESPACE",
  "TRANSPORTER",
  "REDIS_URL",
  "REDIS_URL_FILE",
  "EXTENSIONS",
] as const;

type Variables = Partial<Record<string, string>>;

const isRemembered = (name: string): boolean =>
  REMEMBERED.some((it) => it === name) || isDatabaseVariable(name);

/**
 * Records the servers of this shop's environment, for commands that run beside it. Only this user can read the file.
 * For a secret from a file, it has the file's name.
 */
export function rememberShop(dataDir: string, env: NodeJS.ProcessEnv): void {
  closeDataFolder(dataDir);
  const file = join(dataDir, FILE);
  const draft = `${file}.${process.pid}`;
  const known = Object.fromEntries(
    Object.entries(env)
      .filter(([name, value]) => value && isRemembered(name))
      .map(([name, value]) => [name, name === "EXTENSIONS" ? fromAnywhere(value) : value]),
  );
  writeFileSync(draft, `${JSON.stringify(known, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}

/** Absolute paths of extensions, for commands that run in another folder. */
const fromAnywhere = (names = ""): string =>
  names
    .split(",")
    .map((it) => it.trim())
    .map((it) => (isPath(it) ? resolve(it) : it))
    .join(",");

/** The environment of a command for a shop that may be running. `source` names where it was found. */
export function shopEnvironment(env: NodeJS.ProcessEnv): { env: NodeJS.ProcessEnv; source: string } {
  const file = join(env.DATA_DIR || DEFAULT_FOLDER, FILE);
  const remembered = read(file);
  const same = [...IDENTITY, ...Object.keys(env).filter(isDatabaseVariable)].every(
    (name) => !env[name] || env[name] === remembered?.[name],
  );
  if (!remembered || !same) return { env, source: "the environment" };
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value));
  return { env: { ...remembered, ...given }, source: file };
}

function read(file: string): Variables | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const found: unknown = JSON.parse(text);
  if (typeof found !== "object" || found === null) throw new Error(`${file} was not written by a shop`);
  const known = Object.entries(found).filter(([name]) => isRemembered(name));
  return Object.fromEntries(known) as Variables;
}

/** One line with the servers of a configuration, without passwords. */
export function serversLine(config: Config, source = "the environment"): string {
  const { AMQP_URL, AMQP_PREFIX, MONGO_URL, REDIS_URL, TRANSPORTER, DATA_DIR } = config;
  const parts = [
    AMQP_URL ? `RabbitMQ ${redact(AMQP_URL)} (${AMQP_PREFIX}.*)` : "no RabbitMQ",
    MONGO_URL ? `MongoDB ${redact(MONGO_URL)}` : `embedded store in ${join(DATA_DIR, "mongo")}`,
    REDIS_URL ? `Redis ${redact(REDIS_URL)}` : "no Redis",
    ...(TRANSPORTER ? [`calls over ${redact(TRANSPORTER)}`] : []),
  ];
  return `servers: ${parts.join(", ")}; as ${source} says`;
}

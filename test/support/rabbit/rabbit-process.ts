/** A private RabbitMQ from installed binaries: its own node name, ports and folder. */
import { type SpawnOptions, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, realpathSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Debian's /usr/sbin wrapper changes the user. The first of these runs as the caller. RABBITMQ_SERVER names another
 * one, with `rabbitmqctl` beside it.
 */
export const RABBIT_BINARIES: readonly string[] = [
  ...(process.env.RABBITMQ_SERVER ? [process.env.RABBITMQ_SERVER] : []),
  "/usr/lib/rabbitmq/bin/rabbitmq-server",
  "/usr/local/sbin/rabbitmq-server",
  "/opt/homebrew/sbin/rabbitmq-server",
];

export interface RabbitPlace {
  /** What it keeps is here; the same folder, name and ports again start the same node again. */
  dir: string;
  /** Without the host, unique on this machine. */
  nodeName: string;
  port: number;
  /** For its own cluster and tools. */
  distPort: number;
  /** Port of an epmd that is not the machine's. */
  epmdPort?: number;
  /** Path of a `.conf` file. */
  configFile?: string;
  /** Its scripts, see {@link scriptsWithoutPlugins}. */
  scriptsDir?: string | undefined;
}

/** Parts of RabbitMQ itself are called like this, too. */
const isPlugin = (app: string) => app.startsWith("rabbitmq_") && !app.startsWith("rabbitmq_prelaunch");

/**
 * Makes a home for RabbitMQ in `dir` without its plugins. At a start, each of its thousand modules is searched in
 * all folders. Without plugins it starts in two thirds of the time.
 * @returns its folder of scripts; undefined where RabbitMQ is not installed by its packages
 */
export function scriptsWithoutPlugins(binary: string, dir: string): string | undefined {
  const scripts = dirname(realpathSync(binary));
  const [plugins, tools] = [join(scripts, "../plugins"), join(scripts, "../escript")];
  if (![plugins, tools].every(existsSync)) return undefined;
  const own = (folder: string) => {
    mkdirSync(join(dir, folder), { recursive: true });
    return join(dir, folder);
  };
  const [ownScripts, ownPlugins] = [own("sbin"), own("plugins")];
  for (const it of readdirSync(scripts)) symlinkSync(join(scripts, it), join(ownScripts, it));
  for (const it of readdirSync(plugins))
    if (!isPlugin(it)) symlinkSync(join(plugins, it), join(ownPlugins, it));
  symlinkSync(tools, join(dir, "escript"));
  return ownScripts;
}

export function rabbitEnvironment({
  dir,
  nodeName,
  port,
  distPort,
  epmdPort,
  configFile = join(dir, "none"),
  scriptsDir,
}: RabbitPlace): NodeJS.ProcessEnv {
  return {
    ...process.env,
    HOME: dir,
    // The start script becomes the server instead of waiting for it, so that signals reach the server itself.
    RUNNING_UNDER_SYSTEMD: "true",
    RABBITMQ_NODENAME: `${nodeName}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_MNESIA_BASE: join(dir, "mnesia"),
    RABBITMQ_LOG_BASE: join(dir, "log"),
    RABBITMQ_PID_FILE: join(dir, "pid"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, "plugins"),
    RABBITMQ_CONFIG_FILE: configFile,
    ERL_CRASH_DUMP: join(dir, "erl_crash.dump"),
    ...(epmdPort === undefined ? {} : { ERL_EPMD_PORT: String(epmdPort) }),
    ...(scriptsDir === undefined ? {} : { RABBITMQ_SCRIPTS_DIR: scriptsDir }),
  };
}

export const rabbitUrl = ({ port }: Pick<RabbitPlace, "port">): string =>
  `amqp://guest:guest@127.0.0.1:${port}`;

export const spawnRabbit = (binary: string, place: RabbitPlace, stdio: SpawnOptions["stdio"] = "ignore") =>
  spawn(binary, [], { stdio, env: rabbitEnvironment(place) });

/** The common part of scripts that run a node: configuration errors, signals, and an orderly end. */

import { settingOfRunningStore } from "@souk/embedded-mongo";
import { TopologyError } from "../../../broker/bus/amqp/declare.ts";
import { oneLine, redact, redactedStack } from "../../../broker/contract/secrets/redact.ts";
import { ConfigError } from "../../../broker/contract/variables.ts";
import { type Config, loadConfig } from "../../../broker/moleculer/config.ts";
import { type Extension, loadServices } from "../../../broker/moleculer/extension.ts";
import { storeFolder } from "../../../broker/moleculer/node/data-folder.ts";
import { type SoukNode, startNode } from "../../../broker/moleculer/node/start-node.ts";
import type { NodeRuntime } from "../../../broker/moleculer/runtime.ts";
import { mongoRefusal } from "../../../broker/mongo/refusals.ts";
import { rememberShop } from "../shop-servers.ts";
import { trimMemorySoon } from "./trim-memory.ts";
import { redactUncaughtErrors } from "./uncaught-errors.ts";

/** The configuration of a shop's node, or an exit with one line for each bad variable. */
export function configOrExit({ contracts }: Extension, env: NodeJS.ProcessEnv = process.env): Config {
  redactUncaughtErrors();
  try {
    return loadConfig(env, contracts);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(`The configuration is not usable:\n${error.message.replace(/^/gm, "  ")}`);
    process.exit(1);
  }
}

/** Starts a node with the named services and stops it on SIGINT or SIGTERM. */
export async function runNode(
  config: Config,
  shop: Extension,
  names: readonly string[],
  prepare?: (runtime: NodeRuntime) => Promise<void>,
): Promise<SoukNode> {
  const services = () => loadServices(shop, names);
  const node = await startNode({
    config,
    services,
    runs: names,
    shop,
    ...(prepare ? { prepare } : {}),
  }).catch((error: unknown) => exitFailedStart(error, config));
  stopOnSignal(async () => node.stop(), stopLimit(config));
  if (!config.MONGO_URL) rememberShop(config.DATA_DIR, process.env);
  trimMemorySoon();
  return node;
}

/** Prints one line for a failure that the operator can fix, else the complete error. */
export function exitFailedStart(error: unknown, config: Config): never {
  const reason = error instanceof Error ? startFailure(error, config) : undefined;
  console.error("\nSouk can't start:", reason ?? redactedStack(error));
  process.exit(1);
}

/** One line about a failure that the operator can fix. Undefined for a fault of ours. */
export function startFailure(error: NodeJS.ErrnoException, config: Config): string | undefined {
  const { HOST, PORT } = config;
  // A payment provider's own variable. Each adapter checks its own when it is made.
  if (error instanceof ConfigError) return error.message;
  // A migration without the necessary rights.
  const refusal = mongoRefusal(error);
  if (refusal !== undefined && error.name.startsWith("Mongo")) return `MONGO_URL: ${refusal}`;
  if (error instanceof TopologyError) return `${oneLine(redact(error.message))} (AMQP_URL, AMQP_PREFIX)`;
  if (error.syscall === "listen") {
    if (error.code === "EADDRINUSE") return `port ${PORT} of ${HOST} is taken; PORT chooses another one`;
    if (error.code === "EADDRNOTAVAIL") return `this machine does not have the address ${HOST} (HOST)`;
    if (error.code === "EACCES") return `port ${PORT} (PORT) is not for this user`;
  }
  if (/^the embedded store in .* is in use/.test(error.message)) return storeInUse(error, config);
  if (/^the data folder /.test(error.message)) return `${error.message} (DATA_DIR)`;
  if (error.syscall === "mkdir" || /^(EACCES|EPERM|ENOTDIR|EROFS|ENOSPC): /.test(error.message))
    return `${error.message} (DATA_DIR)`;
  return undefined;
}

/** Milliseconds after which a stopping node is ended. In addition to draining, it waits for calls in transit. */
export const stopLimit = ({ SHUTDOWN_DELAY, SHUTDOWN_TIMEOUT }: Config): number =>
  SHUTDOWN_DELAY + SHUTDOWN_TIMEOUT + 3_000;

/** Usually the operator wants to join the shop that has the store open, not to start a second one. */
function storeInUse({ message }: Error, config: Config): string {
  const setting = settingOfRunningStore(storeFolder(config));
  const join = setting ? `to join the shop that runs on it: ${setting}, and its AMQP_URL; ` : "";
  return `${message}; ${join}for a shop of its own: another DATA_DIR`;
}

/** Runs `stop` once on the first signal. A second signal, or `timeoutMs`, ends the process at once. */
export function stopOnSignal(stop: () => Promise<void>, timeoutMs: number): void {
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(130);
    stopping = true;
    forceExitAfter(timeoutMs);
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(`Could not stop in order after ${signal}:`, redactedStack(error));
        process.exit(1);
      },
    );
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
}

/** Ends the process when a stop takes longer than `timeoutMs`. */
export function forceExitAfter(timeoutMs: number): void {
  setTimeout(() => {
    console.error(`Not stopped after ${timeoutMs} ms; leaving what is unfinished to the next start`);
    process.exit(1);
  }, timeoutMs).unref();
}

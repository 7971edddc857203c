/** What every script that runs a node shares: configuration errors, signals, and an orderly end. */
import { type Config, ConfigError, loadConfig } from "../../broker/config.ts";
import { type SoukNode, startNode } from "../../broker/node.ts";
import type { NodeRuntime } from "../../broker/runtime.ts";
import { contracts } from "../../services/contracts.ts";
import { loadServices, serviceNames } from "../../services/index.ts";
import { trimMemorySoon } from "./trim-memory.ts";

/** The configuration, or an exit with one line for each bad variable. */
export function configOrExit(env: NodeJS.ProcessEnv = process.env): Config {
  try {
    return loadConfig(env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(`The configuration is not usable:\n${error.message.replace(/^/gm, "  ")}`);
    process.exit(1);
  }
}

/** Names in `SERVICES` or on the command line; all services when there are none. Exits on an unknown name. */
export function servicesOrExit(config: Config, args: readonly string[]): string[] {
  const names = args.length > 0 ? args : (config.SERVICES?.split(/[ ,]+/) ?? serviceNames);
  const unknown = names.find((name) => !serviceNames.includes(name));
  if (unknown === undefined) return [...names];
  console.error(`SERVICES: there is no service ${unknown}; there are ${serviceNames.join(", ")}`);
  process.exit(1);
}

/** Starts a node with the named services and stops it on SIGINT or SIGTERM. */
export async function runNode(
  config: Config,
  names: readonly string[],
  prepare?: (runtime: NodeRuntime) => Promise<void>,
): Promise<SoukNode> {
  const services = await loadServices(names);
  const node = await startNode({ config, services, contracts, ...(prepare ? { prepare } : {}) });
  stopOnSignal(async () => node.stop(), config.SHUTDOWN_TIMEOUT + 2_000);
  trimMemorySoon();
  return node;
}

/** Runs `stop` once on the first signal; a second signal, or `timeoutMs`, ends the process at once. */
export function stopOnSignal(stop: () => Promise<void>, timeoutMs: number): void {
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(130);
    stopping = true;
    setTimeout(() => {
      console.error(`Not stopped after ${timeoutMs} ms; leaving what is unfinished to the next start`);
      process.exit(1);
    }, timeoutMs).unref();
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(`Could not stop in order after ${signal}:`, error);
        process.exit(1);
      },
    );
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
}

/** The common part of commands that do one job and end: their shop, its database, and one line on failure. */

import { redactedReason } from "../../broker/contract/secrets/redact.ts";
import type { Config } from "../../broker/moleculer/config.ts";
import type { Extension } from "../../broker/moleculer/extension.ts";
import { configOrExit, startFailure } from "./node/run-node.ts";
import { serversLine, shopEnvironment } from "./shop-servers.ts";

/** The configuration of the command's shop. Prints on standard error which servers these are. */
export function jobConfigOrExit(shop: Extension): Config {
  const { env, source } = shopEnvironment(process.env);
  const config = configOrExit(shop, env);
  console.error(serversLine(config, source));
  return config;
}

/** The same for commands that need RabbitMQ. */
export function rabbitConfigOrExit(shop: Extension): Config & { AMQP_URL: string } {
  const config = jobConfigOrExit(shop);
  const { AMQP_URL, DATA_DIR } = config;
  if (AMQP_URL) return { ...config, AMQP_URL };
  console.error(`AMQP_URL: is not set, and no shop with RabbitMQ has run on DATA_DIR ${DATA_DIR}`);
  process.exit(1);
}

/** Runs a command to its end. A failure exits with 1 and one line. */
export async function runJob(config: Config, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    console.error((error instanceof Error && startFailure(error, config)) || redactedReason(error));
    process.exitCode = 1;
  }
}

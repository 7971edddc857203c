/** What commands share that do one thing and end: their shop, its database, and an end with one line where they fail. */

import { redactedReason } from "../../broker/contract/redact.ts";
import type { Config } from "../../broker/moleculer/config.ts";
import type { Extension } from "../../broker/moleculer/extension.ts";
import { configOrExit, startFailure } from "./node/run-node.ts";
import { serversLine, shopEnvironment } from "./shop-servers.ts";

/** The configuration of the shop that the command works on. Says on standard error which servers these are. */
export function jobConfigOrExit(shop: Extension): Config {
  const { env, source } = shopEnvironment(process.env);
  const config = configOrExit(shop, env);
  console.error(serversLine(config, source));
  return config;
}

/** The same where there is nothing to do without RabbitMQ. */
export function rabbitConfigOrExit(shop: Extension): Config & { AMQP_URL: string } {
  const config = jobConfigOrExit(shop);
  const { AMQP_URL, DATA_DIR } = config;
  if (AMQP_URL) return { ...config, AMQP_URL };
  console.error(`AMQP_URL: is not set, and no shop with RabbitMQ has run on DATA_DIR ${DATA_DIR}`);
  process.exit(1);
}

/** Runs a command to its end; one that fails ends with 1 and one line. */
export async function runJob(config: Config, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    console.error((error instanceof Error && startFailure(error, config)) || redactedReason(error));
    process.exitCode = 1;
  }
}

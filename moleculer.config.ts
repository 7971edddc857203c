/**
 * For Moleculer's own tools: `npx moleculer-runner -c moleculer.config.ts --mask '**\/*.service.ts' services`, and
 * with `--repl` its REPL. Our scripts start nodes in the same way, see `broker/moleculer/node/start-node.ts`.
 */
import type { BrokerOptions } from "moleculer";
import { openBroker } from "./broker/moleculer/node/start-node.ts";
import { configOrExit, exitFailedStart } from "./scripts/support/node/run-node.ts";
import { prepareRunner, runnerMiddleware } from "./scripts/support/node/runner.ts";
import { shopOrExit } from "./scripts/support/the-shop.ts";

/** A function, so that loading this file opens nothing. */
export default async function options(): Promise<BrokerOptions> {
  const shop = await shopOrExit();
  const config = configOrExit(shop, { ...process.env });
  prepareRunner(process.env);
  const { options } = await openBroker({ config, shop }).catch((error: unknown) =>
    exitFailedStart(error, config),
  );
  return {
    ...options,
    middlewares: [...options.middlewares, runnerMiddleware(config)],
    // With the runner, the broker handles signals.
    skipProcessEventRegistration: false,
  };
}

/** Differences between Moleculer's runner and our scripts: its own variables, signals, and failing starts. */
import type { Middleware, ServiceBroker } from "moleculer";
import type { Config } from "../../../broker/moleculer/config.ts";
import { exitFailedStart, forceExitAfter, stopLimit } from "./run-node.ts";

/** The runner overwrites a broker's options with variables of these names. For us they mean something else. */
const OVERWRITES = ["METRICS", "NAMESPACE", "TRANSPORTER"] as const;

/**
 * Removes from the environment what the runner would misunderstand, after it was read. SERVICES names our services
 * for the runner, too.
 */
export function prepareRunner(env: NodeJS.ProcessEnv): void {
  for (const name of OVERWRITES) delete env[name];
  if (!env.SERVICES) return;
  env.SERVICES = env.SERVICES.trim().replace(/[ ,]+/g, ",");
  env.SERVICEDIR ??= "services";
}

/** A failing start ends with one line where possible. A hanging stop ends too. */
export function runnerMiddleware(config: Config): Middleware {
  return {
    name: "SoukRunner",
    created(broker: ServiceBroker) {
      const start = broker.start.bind(broker);
      broker.start = () => start().catch((error: unknown) => exitFailedStart(error, config));
      const onSignal = () => forceExitAfter(stopLimit(config));
      process.once("SIGINT", onSignal);
      process.once("SIGTERM", onSignal);
    },
  };
}

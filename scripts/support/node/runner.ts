/** What Moleculer's runner does otherwise than our scripts: its own variables, signals, and a start that fails. */
import type { Middleware, ServiceBroker } from "moleculer";
import type { Config } from "../../../broker/moleculer/config.ts";
import { exitUnstarted, leaveAfter, stopLimit } from "./run-node.ts";

/** The runner overwrites a broker's options by variables of their names; these mean something else to us. */
const OVERWRITES = ["METRICS", "NAMESPACE", "TRANSPORTER"] as const;

/**
 * Takes from the environment what the runner would misunderstand, once it has been read, and lets SERVICES name our
 * services for it, too.
 */
export function prepareRunner(env: NodeJS.ProcessEnv): void {
  for (const name of OVERWRITES) delete env[name];
  if (!env.SERVICES) return;
  env.SERVICES = env.SERVICES.trim().replace(/[ ,]+/g, ",");
  env.SERVICEDIR ??= "services";
}

/** A start that fails ends with one line where there is one for it, and a stop that hangs ends, too. */
export function runnerMiddleware(config: Config): Middleware {
  return {
    name: "SoukRunner",
    created(broker: ServiceBroker) {
      const start = broker.start.bind(broker);
      broker.start = () => start().catch((error: unknown) => exitUnstarted(error, config));
      const onSignal = () => leaveAfter(stopLimit(config));
      process.once("SIGINT", onSignal);
      process.once("SIGTERM", onSignal);
    },
  };
}

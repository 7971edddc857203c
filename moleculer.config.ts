/** Broker options for Moleculer's own tools (runner, REPL); `scripts/` start nodes through broker/node.ts. */
import { loadConfig } from "./broker/config.ts";
import { brokerOptions } from "./broker/moleculer-options.ts";

export default brokerOptions(loadConfig(process.env));

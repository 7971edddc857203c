/** `npm run node -- orders inventory`: one node with the named services. */
import { Argument } from "@commander-js/extra-typings";
import { serviceNames } from "../broker/moleculer/extension.ts";
import core from "../services/index.ts";
import { command } from "./support/command.ts";
import { configOrExit, runNode, servicesOrExit } from "./support/run-node.ts";
import { serversLine } from "./support/shop-servers.ts";

const [services] = command(
  "node",
  "Runs one node with the named services, with those in SERVICES, or with all.",
)
  .addArgument(new Argument("[service...]").choices(serviceNames(core)))
  .parse().processedArgs;
const config = configOrExit();
const names = servicesOrExit(config, services);
console.error(serversLine(config));
const { broker } = await runNode(config, names);
broker.logger.info(`node ${broker.nodeID} serves ${names.join(", ")}`);

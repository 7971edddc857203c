/** `npm run node -- orders inventory`: one node with the named services. */
import { Argument } from "@commander-js/extra-typings";
import { serviceNames } from "../broker/moleculer/extension.ts";
import { command } from "./support/command.ts";
import { configOrExit, runNode } from "./support/node/run-node.ts";
import { serversLine } from "./support/shop-servers.ts";
import { servicesOrExit, shopOrExit } from "./support/the-shop.ts";

const shop = await shopOrExit();
const [services] = command(
  "node",
  "Runs one node with the named services, with those in SERVICES, or with all.",
)
  .addArgument(new Argument("[service...]").choices(serviceNames(shop)))
  .parse().processedArgs;
const config = configOrExit(shop);
const names = servicesOrExit(shop, config, services);
console.error(serversLine(config));
const { broker } = await runNode(config, shop, names);
broker.logger.info(`node ${broker.nodeID} serves ${names.join(", ")}`);

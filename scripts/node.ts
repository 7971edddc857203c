/** `npm run node -- orders inventory`: one node with the named services. */
import { configOrExit, runNode, servicesOrExit } from "./support/run-node.ts";
import { serversLine } from "./support/shop-servers.ts";

const config = configOrExit();
const names = servicesOrExit(config, process.argv.slice(2));
console.error(serversLine(config));
const { broker } = await runNode(config, names);
broker.logger.info(`node ${broker.nodeID} serves ${names.join(", ")}`);

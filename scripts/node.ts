/** `npm run node -- orders inventory`: one node with the named services. */
import { configOrExit, runNode, servicesOrExit } from "./support/run-node.ts";

const config = configOrExit();
const names = servicesOrExit(config, process.argv.slice(2));
const { broker } = await runNode(config, names);
broker.logger.info(`node ${broker.nodeID} serves ${names.join(", ")}`);

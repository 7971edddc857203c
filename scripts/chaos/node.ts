/** A node like `npm run node`, whose messages also go to the audit tap. */
import { startNode } from "../../broker/moleculer/node/start-node.ts";
import { loadServices } from "../../services/index.ts";
import { configOrExit, servicesOrExit, stopLimit, stopOnSignal } from "../support/run-node.ts";
import { tappedContracts } from "./tap.contract.ts";

const config = configOrExit();
const services = await loadServices(servicesOrExit(config, process.argv.slice(2)));
const node = await startNode({ config, services, contracts: tappedContracts });
stopOnSignal(async () => node.stop(), stopLimit(config));

/** A node like `npm run node`, whose messages also go to the message recorder. */
import { startNode } from "../../../broker/moleculer/node/start-node.ts";
import { configOrExit, servicesOrExit, stopLimit, stopOnSignal } from "../../../scripts/support/run-node.ts";
import { loadServices } from "../../../services/index.ts";
import { recordedContracts } from "./message-recorder.contract.ts";

const config = configOrExit();
const services = await loadServices(servicesOrExit(config, process.argv.slice(2)));
const node = await startNode({ config, services, contracts: recordedContracts });
stopOnSignal(async () => node.stop(), stopLimit(config));

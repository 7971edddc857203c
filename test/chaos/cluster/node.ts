/** A node like `npm run node`, whose messages also go to the message recorder. */

import { loadServices } from "../../../broker/moleculer/extension.ts";
import { startNode } from "../../../broker/moleculer/node/start-node.ts";
import { configOrExit, stopLimit, stopOnSignal } from "../../../scripts/support/node/run-node.ts";
import { servicesOrExit } from "../../../scripts/support/the-shop.ts";
import core from "../../../services/index.ts";
import { recordedShop } from "./message-recorder.contract.ts";

const config = configOrExit(recordedShop);
const services = await loadServices(core, servicesOrExit(core, config, process.argv.slice(2)));
const node = await startNode({ config, services, shop: recordedShop });
stopOnSignal(async () => node.stop(), stopLimit(config));

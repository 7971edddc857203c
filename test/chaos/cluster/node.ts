/** A node like `npm run node`, whose messages also go to the message recorder. */

import { loadServices } from "../../../broker/moleculer/extension.ts";
import { startNode } from "../../../broker/moleculer/node/start-node.ts";
import { BatchReaders } from "../../../broker/moleculer/transport/batch-readers.ts";
import { configOrExit, stopLimit, stopOnSignal } from "../../../scripts/support/node/run-node.ts";
import { servicesOrExit } from "../../../scripts/support/the-shop.ts";
import core from "../../../services/index.ts";
import { recordedShop } from "./message-recorder.contract.ts";

const config = configOrExit(recordedShop);
const services = await loadServices(core, servicesOrExit(core, config, process.argv.slice(2)));
// No older node ever joins, so messages share AMQP messages from the start.
const batchReaders = new BatchReaders(0);
const node = await startNode({ config, services, shop: recordedShop, batchReaders });
stopOnSignal(async () => node.stop(), stopLimit(config));

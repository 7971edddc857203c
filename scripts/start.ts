/** `npm start`: the whole shop in one process; embedded defaults where no server is named. */
import { printWelcome, seedIfEmpty } from "./support/first-start.ts";
import { withOpsPort } from "./support/ops-port.ts";
import { configOrExit, runNode, servicesOrExit } from "./support/run-node.ts";
import { serversLine } from "./support/shop-servers.ts";

const config = withOpsPort(configOrExit());
const names = servicesOrExit(config, []);
console.error(serversLine(config));
const hasCatalogue = names.includes("products") && names.includes("inventory");
await runNode(config, names, async ({ database }) => {
  if (hasCatalogue) await seedIfEmpty(config, database);
});
if (names.includes("api")) printWelcome(config);

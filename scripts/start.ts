/** `npm start`: the whole shop in one process, with embedded defaults where no server is named. */
import { command } from "./support/command.ts";
import { printWelcome, seedIfEmpty, tokenToPrint } from "./support/node/first-start.ts";
import { withOpsPort } from "./support/node/ops-port.ts";
import { configOrExit, runNode } from "./support/node/run-node.ts";
import { serversLine } from "./support/shop-servers.ts";
import { servicesOrExit, shopOrExit } from "./support/the-shop.ts";

command(
  "start",
  "Runs the whole shop in one process, on embedded defaults where no server is named.",
).parse();
const shop = await shopOrExit();
const config = withOpsPort(configOrExit(shop));
const names = servicesOrExit(shop, config, []);
console.error(serversLine(config));
const hasCatalogue = names.includes("products") && names.includes("inventory");
let token: string | null = null;
await runNode(config, shop, names, async (runtime) => {
  if (hasCatalogue) await seedIfEmpty(config, runtime.database);
  if (names.includes("users")) token = await tokenToPrint(runtime);
});
if (names.includes("api")) printWelcome(config, token);

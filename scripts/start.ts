/** `npm start`: the whole shop in one process; embedded defaults where no server is named. */
import { printWelcome } from "./support/first-start.ts";
import { configOrExit, runNode, servicesOrExit } from "./support/run-node.ts";

const config = configOrExit();
const names = servicesOrExit(config, []);
await runNode(config, names);
if (names.includes("api")) printWelcome(config);

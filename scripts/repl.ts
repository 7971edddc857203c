/** `npm run repl`: Moleculer's REPL, joined to the cluster without services of its own. */
import { ServiceBroker } from "moleculer";
import { brokerOptions } from "../broker/moleculer-options.ts";
import { withLocalRabbit } from "./support/local-rabbit.ts";
import { configOrExit } from "./support/run-node.ts";

const config = configOrExit(withLocalRabbit(process.env));
const broker = new ServiceBroker({
  ...brokerOptions({ ...config, LOG_LEVEL: "warn" }),
  nodeID: `repl-${process.pid}`,
});
await broker.start();
broker.repl();

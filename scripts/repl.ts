/** `npm run repl`: Moleculer's REPL, in the cluster but without services of its own. */
import { ServiceBroker } from "moleculer";
import { brokerOptions } from "../broker/moleculer/broker-options.ts";
import { command } from "./support/command.ts";
import { jobConfigOrExit } from "./support/job.ts";
import { exitFailedStart } from "./support/node/run-node.ts";
import { redactOutput } from "./support/node/uncaught-errors.ts";
import { jobShopOrExit } from "./support/the-shop.ts";

command("repl", "Opens Moleculer's REPL, joined to the cluster without services of its own.").parse();
const config = jobConfigOrExit(await jobShopOrExit());
if (!config.AMQP_URL && !config.TRANSPORTER) {
  console.error(`AMQP_URL: is not set, and no shop with RabbitMQ has run on DATA_DIR ${config.DATA_DIR}`);
  process.exit(1);
}
// `info` and `env` show settings, and the environment contains secrets.
redactOutput(process.stdout, process.stderr);
const broker = new ServiceBroker({
  ...brokerOptions({ ...config, LOG_LEVEL: "warn" }),
  nodeID: `repl-${process.pid}`,
});
await broker.start().catch((error: unknown) => exitFailedStart(error, config));
broker.repl();

/**
 * `npm run test:rabbit4`: runs the suites that need RabbitMQ on the newest RabbitMQ with its defaults. It downloads
 * Debian sid's into a folder. With RABBITMQ_SERVER set, it uses that one and downloads nothing.
 */
import { withNewestRabbit } from "../../test/support/rabbit/newest-rabbit.ts";
import { command } from "../support/command.ts";
import { runTool } from "../support/run-tool.ts";

const SPECS = [
  "test/integration/bus/*.spec.ts",
  "test/integration/actor/amqp.spec.ts",
  "test/integration/node/*.spec.ts",
  "test/e2e/story-cluster.spec.ts",
  "test/e2e/dead-letters.spec.ts",
];

const [named] = command(
  "test:rabbit4",
  "Runs the suites that need RabbitMQ on its newest version with default settings.",
)
  .argument("[spec...]", "files of tests to run instead")
  .addHelpText(
    "after",
    "\nIt downloads that RabbitMQ (as root on Debian, with debootstrap), unless RABBITMQ_SERVER names one.",
  )
  .parse().processedArgs;
const specs = named.length > 0 ? named : SPECS;

try {
  process.exitCode = await withNewestRabbit(process.env.RABBITMQ_SERVER, ({ url, version, binary }) => {
    console.log(`RabbitMQ ${version} at ${url.replace(/\/\/.*@/, "//")}`);
    return runTool("mocha", specs, { AMQP_URL: url, RABBITMQ_SERVER: binary, NODE_ENV: "test" });
  });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

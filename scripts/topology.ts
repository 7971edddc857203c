/**
 * `npm run topology [-- --api URL]`: checks that all queues of the shop on RabbitMQ have safe settings. The management API (`http://user:password@host:15672`) shows everything. Without its URL, RabbitMQ
 * is asked over AMQP and reports the first fault of a queue. Exits with 1 when something is wrong.
 */
import { amqpAddresses, virtualHost } from "../broker/bus/amqp/address.ts";
import { checkOverAmqp, checkOverApi } from "../broker/bus/amqp/topology-check.ts";
import { topologyOf } from "../broker/bus/topology.ts";
import { command, httpAddress } from "./support/command.ts";
import { rabbitConfigOrExit, runJob } from "./support/job.ts";
import { jobShopOrExit } from "./support/the-shop.ts";

const shop = await jobShopOrExit();

const { api } = command(
  "topology",
  "Tells whether all queues of the shop on RabbitMQ have what keeps messages safe. Ends with 1 where one has not.",
)
  .option(
    "--api <url>",
    "of RabbitMQ's management, http://user:password@host:15672: reads all, asks for no change",
    httpAddress,
  )
  .parse()
  .opts();
const config = rabbitConfigOrExit(shop);
const { AMQP_URL, AMQP_PREFIX } = config;
const topology = topologyOf(shop.contracts, config.variables);
await runJob(config, async () => {
  const vhost = virtualHost(amqpAddresses(AMQP_URL)[0] ?? "");
  const flaws = api
    ? await checkOverApi(api, vhost, AMQP_PREFIX, topology)
    : await checkOverAmqp(AMQP_URL, AMQP_PREFIX, topology);
  for (const { name, what } of flaws) console.log(`${name}: ${what}`);
  if (flaws.length > 0) process.exitCode = 1;
  else console.log(`all queues and exchanges of ${AMQP_PREFIX} are as they should be`);
});

/**
 * `npm run shop -- show|adopt|move`: shows which shop the database and RabbitMQ's messages belong to. Assigns other
 * ones: after the database was replaced (`adopt`), or under another AMQP_PREFIX (`move`). No node may run.
 */
import { Argument, Option } from "@commander-js/extra-typings";
import type { ChannelModel } from "amqplib";
import { claimMessages, isClaimed, OtherShopError } from "../broker/bus/amqp/claim-shop.ts";
import { connectToAny } from "../broker/bus/amqp/connect-once.ts";
import { dropMessages, replaceClaim, useOfQueues } from "../broker/bus/amqp/hand-over.ts";
import { topologyOf } from "../broker/bus/topology.ts";
import { bindPrefix, identifyShop, type ShopIdentity } from "../broker/moleculer/node/shop-id.ts";
import type { Database } from "../broker/mongo/database.ts";
import { commandOf, subcommand } from "./support/command.ts";
import { rabbitConfigOrExit, runJob } from "./support/job.ts";
import { openDatabase } from "./support/open-database.ts";
import { jobShopOrExit } from "./support/the-shop.ts";

const parts = await jobShopOrExit();
const topology = topologyOf(parts.contracts);

interface Work {
  model: ChannelModel;
  database: Database;
  shop: ShopIdentity;
  /** AMQP_PREFIX. */
  prefix: string;
}

/** Opens the shop's database and RabbitMQ, works on both, and closes them. */
async function run(work: (given: Work) => Promise<void>): Promise<void> {
  const config = rabbitConfigOrExit(parts);
  await runJob(config, async () => {
    const { database, close } = await openDatabase(config, "shop");
    try {
      const shop = await identifyShop(
        database,
        parts.contracts.map((it) => it.service),
      );
      const model = await connectToAny(config.AMQP_URL);
      try {
        await work({ model, database, shop, prefix: config.AMQP_PREFIX });
      } finally {
        await model.close();
      }
    } finally {
      await close();
    }
  });
}

async function show({ model, shop, prefix: AMQP_PREFIX }: Work): Promise<void> {
  const { id, prefix } = shop;
  const owner = await ownerOf(model, AMQP_PREFIX, id);
  const { messages, consumers } = await useOfQueues(model, AMQP_PREFIX, topology);
  console.log(
    `database   shop ${id}${prefix ? `, messages under AMQP_PREFIX=${prefix}` : ", no messages on RabbitMQ yet"}`,
  );
  console.log(`RabbitMQ   ${owner ? `shop ${owner}` : "no shop yet"} under AMQP_PREFIX=${AMQP_PREFIX}`);
  console.log(`queues     ${messages} messages wait, ${consumers} consumers`);
}

async function adopt(
  { model, database, shop: { id }, prefix: AMQP_PREFIX }: Work,
  given: string,
  treatment: "keep" | "drop" | undefined,
): Promise<void> {
  const owner = await ownerOf(model, AMQP_PREFIX, id);
  if (owner === undefined || owner === id)
    throw new Error(
      `the messages under ${AMQP_PREFIX} are ${owner ? "this shop's already" : "nobody's"}: nothing to adopt`,
    );
  if (given !== owner)
    throw new Error(
      `the messages under ${AMQP_PREFIX} are of shop ${owner}: name that one to take them from it`,
    );
  await checkQuiet(model, AMQP_PREFIX);
  const { messages } = await useOfQueues(model, AMQP_PREFIX, topology);
  if (messages > 0 && !treatment)
    throw new Error(
      `${messages} messages wait for shop ${owner}. --messages drop throws them away; --messages keep lets shop ${id} ` +
        "take them, which is right only where its database is a restored one of the same shop",
    );
  if (treatment === "drop") await dropMessages(model, AMQP_PREFIX, topology);
  await replaceClaim(model, AMQP_PREFIX, id);
  await bindPrefix(database, AMQP_PREFIX);
  console.log(`the messages under ${AMQP_PREFIX} are of shop ${id} now`);
}

async function move({ model, database, shop, prefix: AMQP_PREFIX }: Work): Promise<void> {
  const { id, prefix } = shop;
  if (prefix === undefined || prefix === AMQP_PREFIX)
    throw new Error(`shop ${id} has no messages under another AMQP_PREFIX than ${AMQP_PREFIX}`);
  const owner = await ownerOf(model, AMQP_PREFIX, id);
  if (owner !== undefined && owner !== id)
    throw new Error(`the messages under ${AMQP_PREFIX} are of shop ${owner}`);
  await checkQuiet(model, prefix);
  const { messages } = await useOfQueues(model, prefix, topology);
  if (messages > 0)
    throw new Error(
      `${messages} messages wait under ${prefix}: run the shop there until none does, then move it`,
    );
  await claimMessages(model, AMQP_PREFIX, id);
  await bindPrefix(database, AMQP_PREFIX);
  console.log(`shop ${id} has its messages under ${AMQP_PREFIX} now`);
}

/** The shop that owns the messages under a prefix. It is asked by a claim, which another shop's claim refuses. */
async function ownerOf(model: ChannelModel, prefix: string, own: string): Promise<string | undefined> {
  if (!(await isClaimed(model, prefix))) return undefined;
  try {
    await claimMessages(model, prefix, own);
    return own;
  } catch (error) {
    if (error instanceof OtherShopError) return error.found ?? "(unknown)";
    throw error;
  }
}

async function checkQuiet(model: ChannelModel, prefix: string): Promise<void> {
  const { consumers } = await useOfQueues(model, prefix, topology);
  if (consumers > 0) throw new Error(`nodes are running on the queues of ${prefix}: stop them first`);
}

await commandOf(
  "shop",
  "Tells which shop the database and RabbitMQ's messages are of. No node may be running.",
  [
    subcommand("show", "shows the shop of each").action(() => run(show)),
    subcommand("adopt", "takes another shop's messages, after the database was replaced")
      .addArgument(new Argument("<id>", "of the shop whose messages these were"))
      .addOption(new Option("--messages <what>", "that wait").choices(["keep", "drop"] as const))
      .action((id, { messages }) => run((it) => adopt(it, id, messages))),
    subcommand("move", "takes this shop's messages to another AMQP_PREFIX").action(() => run(move)),
  ],
).parseAsync();

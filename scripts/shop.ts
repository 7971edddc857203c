/**
 * `npm run shop -- show|adopt|move`: which shop the database and RabbitMQ's messages are of, and how a shop gets others on
 * purpose: after its database was replaced (`adopt`), or under another AMQP_PREFIX (`move`). No node may be running.
 */
import { parseArgs } from "node:util";
import type { ChannelModel } from "amqplib";
import { claimMessages, isClaimed, OtherShopError } from "../broker/bus/amqp/claim-shop.ts";
import { connectToAny } from "../broker/bus/amqp/connect-once.ts";
import { dropMessages, replaceClaim, useOfQueues } from "../broker/bus/amqp/hand-over.ts";
import { topologyOf } from "../broker/bus/topology.ts";
import { bindPrefix, identifyShop, type ShopIdentity } from "../broker/moleculer/node/shop-id.ts";
import type { Database } from "../broker/mongo/database.ts";
import core from "../services/index.ts";
import { rabbitConfigOrExit, runJob } from "./support/job.ts";
import { openDatabase } from "./support/open-database.ts";

const USAGE = `usage: npm run shop -- show
       npm run shop -- adopt <id of the shop whose messages these were> [--messages keep|drop]
       npm run shop -- move`;

const { positionals, values } = argumentsOrExit();
const [verb = "", given] = positionals;
const config = rabbitConfigOrExit();
const { AMQP_URL, AMQP_PREFIX } = config;
const topology = topologyOf(core.contracts);

await runJob(config, async () => {
  const { database, close } = await openDatabase(config, "shop");
  try {
    const shop = await identifyShop(
      database,
      core.contracts.map((it) => it.service),
    );
    const model = await connectToAny(AMQP_URL);
    try {
      if (verb === "show") await show(model, shop);
      else if (verb === "adopt") await adopt(model, database, shop);
      else await move(model, database, shop);
    } finally {
      await model.close();
    }
  } finally {
    await close();
  }
});

async function show(model: ChannelModel, { id, prefix }: ShopIdentity): Promise<void> {
  const owner = await ownerOf(model, id);
  const { messages, consumers } = await useOfQueues(model, AMQP_PREFIX, topology);
  console.log(
    `database   shop ${id}${prefix ? `, messages under AMQP_PREFIX=${prefix}` : ", no messages on RabbitMQ yet"}`,
  );
  console.log(`RabbitMQ   ${owner ? `shop ${owner}` : "no shop yet"} under AMQP_PREFIX=${AMQP_PREFIX}`);
  console.log(`queues     ${messages} messages wait, ${consumers} consumers`);
}

async function adopt(model: ChannelModel, database: Database, { id }: ShopIdentity): Promise<void> {
  const owner = await ownerOf(model, id);
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
  if (messages > 0 && !values.messages)
    throw new Error(
      `${messages} messages wait for shop ${owner}. --messages drop throws them away; --messages keep lets shop ${id} ` +
        "take them, which is right only where its database is a restored one of the same shop",
    );
  if (values.messages === "drop") await dropMessages(model, AMQP_PREFIX, topology);
  await replaceClaim(model, AMQP_PREFIX, id);
  await bindPrefix(database, AMQP_PREFIX);
  console.log(`the messages under ${AMQP_PREFIX} are of shop ${id} now`);
}

async function move(model: ChannelModel, database: Database, { id, prefix }: ShopIdentity): Promise<void> {
  if (prefix === undefined || prefix === AMQP_PREFIX)
    throw new Error(`shop ${id} has no messages under another AMQP_PREFIX than ${AMQP_PREFIX}`);
  const owner = await ownerOf(model, id);
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

/** The shop that has the messages under AMQP_PREFIX; asked by claiming them, which a claim of another refuses. */
async function ownerOf(model: ChannelModel, own: string): Promise<string | undefined> {
  if (!(await isClaimed(model, AMQP_PREFIX))) return undefined;
  try {
    await claimMessages(model, AMQP_PREFIX, own);
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

function argumentsOrExit() {
  try {
    const parsed = parseArgs({ allowPositionals: true, options: { messages: { type: "string" } } });
    const [verb, id, ...more] = parsed.positionals;
    const known =
      verb === "adopt" ? id !== undefined : (verb === "show" || verb === "move") && id === undefined;
    const { messages } = parsed.values;
    if (known && more.length === 0 && (messages === undefined || ["keep", "drop"].includes(messages)))
      return parsed;
  } catch (error) {
    console.error((error as Error).message);
  }
  console.error(USAGE);
  process.exit(2);
}

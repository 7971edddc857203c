/**
 * `npm run souk -- order <id> [--at TIME] [--what-if MODULE] [--set VAR=…]`: rebuilds an order from the log of all
 * messages, and compares it with what is stored, or with what other code or settings would make of the same messages.
 */
import { pathToFileURL } from "node:url";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import type { ActorDefinition } from "../broker/actor/define-actor.ts";
import { differences } from "../broker/actor/replay.ts";
import { type Config, loadConfig } from "../broker/moleculer/config.ts";
import type { Database } from "../broker/mongo/database.ts";
import { command } from "./support/command.ts";
import { jobConfigOrExit, runJob } from "./support/job.ts";
import { openDatabase } from "./support/open-database.ts";
import { actorsOf, logOfOrder, type Rebuilt, rebuild } from "./support/rebuild-order.ts";
import { jobShopOrExit } from "./support/the-shop.ts";

const shop = await jobShopOrExit();

const line = command(
  "order",
  "Rebuilds an order, its payments and its delivery from the log of all messages.",
)
  .argument("<id>", "of the order")
  .option("--at <time>", "as it was then, in RFC 3339", timeOption)
  .option("--what-if <module>", "a file that exports another order, payment or delivery actor by default")
  .option("--set <variable=value>", "another setting; may be given several times", settingOption)
  .parse();
const [id] = line.processedArgs;
const { at, whatIf, set } = line.opts();
const config = jobConfigOrExit(shop);
await runJob(config, async () => {
  const { database, close } = await openDatabase(config, "order");
  try {
    const messages = await logOfOrder(database.service("audit"), id);
    const rebuilt = rebuild(actorsOf(config), messages, id, at);
    for (const it of rebuilt) print(it);
    if (whatIf !== undefined || set !== undefined) {
      const others = await otherActors(config);
      compare(rebuilt, rebuild(others, messages, id, at));
    } else if (at === undefined) await compareStored(database, rebuilt);
  } finally {
    await close();
  }
});

function print({ actor, id, state, steps }: Rebuilt): void {
  console.log(`${actor.type} ${id}`);
  for (const { message, note } of steps)
    console.log(`  ${message.time}  ${message.type}${note === undefined ? "" : `  (${note})`}`);
  console.log(JSON.stringify(state, null, 2));
}

/** Timers that other code would set do not fire here: only messages that there were are applied. */
async function otherActors(from: Config) {
  const other = set ? loadConfig({ ...from.variables, ...set }, shop.contracts) : from;
  const actors = actorsOf(other);
  if (whatIf === undefined) return actors;
  const { default: given }: { default?: ActorDefinition } = await import(pathToFileURL(whatIf).href);
  if (typeof given?.receive !== "function" || !actors.some((it) => it.type === given.type))
    throw new Error(`${whatIf} exports no order, payment or delivery actor by default`);
  return actors.map((it) => (it.type === given.type ? given : it));
}

function compare(present: readonly Rebuilt[], others: readonly Rebuilt[]): void {
  console.log("\nwhat differs: now / with the change");
  const found = present.flatMap((it) => {
    const other = others.find(({ actor, id }) => actor.type === it.actor.type && id === it.id);
    return differences(it.state, other?.state ?? null).map((what) => `  ${it.actor.type} ${what}`);
  });
  for (const it of found.length > 0 ? found : ["  nothing"]) console.log(it);
}

async function compareStored(database: Database, rebuilt: readonly Rebuilt[]): Promise<void> {
  console.log("\nwhat differs: rebuilt / stored");
  let found = 0;
  for (const { actor, id, state } of rebuilt) {
    const stored = await database
      .service(actor.service)
      .collection<{ _id: string; state: object }>(actor.collection)
      .findOne({ _id: id });
    for (const what of differences(state, stored?.state ?? null)) {
      found++;
      console.log(`  ${actor.type} ${what}`);
    }
  }
  if (found === 0) console.log("  nothing");
  else process.exitCode = 1;
}

function timeOption(text: string): number {
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new InvalidArgumentError("It must be a time like 2026-11-27T09:30:00Z.");
  return at;
}

function settingOption(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [, name, value] = /^([A-Z][A-Z0-9_]*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError("It must be like VARIABLE=value.");
  return { ...before, [name]: value };
}

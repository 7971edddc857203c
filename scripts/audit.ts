/** `npm run souk -- audit verify|head`: checks the log of all messages, and tells its end so that it can be kept elsewhere. */
import { InvalidArgumentError } from "@commander-js/extra-typings";
import type { Connection } from "mongoose";
import { headOf } from "../services/audit/log/block.ts";
import { Blocks } from "../services/audit/log/blocks.ts";
import { type Anchor, verifyLog } from "../services/audit/verifying/verify-log.ts";
import { commandOf, subcommand } from "./support/command.ts";
import { jobConfigOrExit, runJob } from "./support/job.ts";
import { openDatabase } from "./support/open-database.ts";
import { jobShopOrExit } from "./support/the-shop.ts";

const shop = await jobShopOrExit();

async function run(work: (database: Connection) => Promise<string[]>): Promise<void> {
  const config = jobConfigOrExit(shop);
  await runJob(config, async () => {
    const { database, close } = await openDatabase(config, "audit");
    try {
      for (const line of await work(database.service("audit"))) console.log(line);
    } finally {
      await close();
    }
  });
}

async function verify(
  database: Connection,
  day: string | undefined,
  anchors: readonly Anchor[],
): Promise<string[]> {
  const { findings, entries, blocks } = await verifyLog(new Blocks(database), database, { day, anchors });
  const looked = `${entries} entries in ${blocks} blocks`;
  if (findings.length === 0) return [`${looked}: nothing was changed, removed or added`];
  process.exitCode = 1;
  return [...findings, `${looked}: ${findings.length} findings`];
}

async function head(database: Connection): Promise<string[]> {
  const last = await new Blocks(database).last();
  if (!last) return ["the log is empty"];
  const { day, seq, hash } = headOf(last);
  return [`${day}/${seq}/${hash.toString("hex")}`];
}

function dayOption(text: string): string {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return text;
  throw new InvalidArgumentError("It must be a day like 2026-11-27.");
}

function anchorOption(text: string, before: readonly Anchor[] = []): Anchor[] {
  const [, day = "", seq = "", hash = ""] =
    /^(\d{4}-\d{2}-\d{2})\/(\d{1,12})\/([0-9a-f]{64})$/.exec(text) ?? [];
  if (day === "") throw new InvalidArgumentError("It must be what `audit head` has printed.");
  return [...before, { day, seq: Number(seq), hash }];
}

await commandOf("audit", "Checks the log of all messages.", [
  subcommand("verify", "names entries that were changed, removed or added; ends with 1 where there are such")
    .option("--day <day>", "only this day, in UTC", dayOption)
    .option("--anchor <head>", "what `audit head` has printed once; may be given several times", anchorOption)
    .action(({ day, anchor }) => run((database) => verify(database, day, anchor ?? []))),
  subcommand("head", "prints the end of the log: kept elsewhere, it proves all that is before it").action(
    () => run(head),
  ),
]).parseAsync();

/** `npm run bench`: measures Souk on this machine, alone or beside another commit. */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { Argument, Option } from "@commander-js/extra-typings";
import { type BenchResult, runShopBenches, type Side } from "../../test/bench/compare/run.ts";
import { runtimeBenches } from "../../test/bench/runtime-benches.ts";
import { stopRunningShops } from "../../test/bench/shop/shop-process.ts";
import { type Tree, treeOfCommit, treeOfToday } from "../../test/bench/shop/tree.ts";
import { shopBenches } from "../../test/bench/shop-benches.ts";
import { command, subcommand, wholeNumber } from "../support/command.ts";

const MODES = ["embedded", "cluster"] as const;
const seconds = new Option("--seconds <n>", "of load").argParser(wholeNumber(1)).default(20);
const rounds = new Option("--rounds <n>", "of which min, median and max are shown")
  .argParser(wholeNumber(1))
  .default(3);
const mode = new Option("--mode <mode>", "only one of the two").choices(MODES);
const count = new Option("--count <n>", "products of the catalogue").argParser(wholeNumber(1)).default(1_000);
const wait = new Option("--wait <n>", "seconds to wait for a quiet machine, at most, in all")
  .argParser(wholeNumber(0))
  .default(120);
const json = new Option("--json <file>", "where the figures are written as JSON");

interface Given {
  seconds: number;
  rounds: number;
  mode?: (typeof MODES)[number] | undefined;
  count: number;
  wait: number;
  json?: string | undefined;
}

const print = (line: string) => console.log(line);

const bench = command("bench", "Measures throughput and latency of Souk on this machine.")
  .enablePositionalOptions()
  .addArgument(
    new Argument("[bench...]", "all where none is named").choices([
      ...Object.keys(shopBenches),
      ...Object.keys(runtimeBenches),
    ]),
  )
  .addOption(seconds)
  .addOption(rounds)
  .addOption(mode)
  .addOption(count)
  .addOption(wait)
  .addOption(json)
  .action(async (named, given) => {
    await run(named, given, [{ name: "today", dir: undefined }]);
    for (const [name, measure] of Object.entries(runtimeBenches))
      if (named.length === 0 || named.includes(name)) await measure();
  });

bench.addCommand(
  subcommand("compare", "Measures this tree and another commit in turn, and prints the ratios.")
    .argument("<commit>", "as git names it")
    .addArgument(
      new Argument("[bench...]", "all of these where none is named").choices(Object.keys(shopBenches)),
    )
    .addOption(seconds)
    .addOption(rounds)
    .addOption(mode)
    .addOption(count)
    .addOption(wait)
    .addOption(json)
    .action(async (commit, named, given) => {
      const trees: Tree[] = [];
      const remove = () => {
        for (const it of trees) it.remove();
      };
      process.once("exit", remove);
      trees.push(treeOfToday(print));
      trees.push(treeOfCommit(commit, print));
      await run(named, given, trees);
    }),
);

for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, async () => {
    print(`${signal}: ending what was started`);
    await stopRunningShops();
    process.exit(130);
  });
await bench.parseAsync();

async function run(named: readonly string[], given: Given, sides: readonly Side[]): Promise<void> {
  print(`${cpus().length} cores, ${cpus()[0]?.model ?? "unknown CPU"}, Node ${process.version}`);
  const results = await runShopBenches({
    ...given,
    sides,
    benches: Object.fromEntries(
      Object.entries(shopBenches).filter(([name]) => named.length === 0 || named.includes(name)),
    ),
    modes: given.mode ? [given.mode] : MODES,
    print,
  });
  if (given.json) writeFileSync(given.json, `${JSON.stringify(report(given, results), undefined, 2)}\n`);
}

function report({ json: _, ...given }: Given, results: readonly BenchResult[]) {
  return {
    at: new Date().toISOString(),
    machine: { cores: cpus().length, model: cpus()[0]?.model ?? "unknown CPU", node: process.version },
    ...given,
    results,
  };
}

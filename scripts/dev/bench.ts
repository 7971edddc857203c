/** `npm run bench`: measures Souk on this machine, alone or beside another commit. */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { Argument, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { type BenchResult, benchRunner, type Side } from "../../test/bench/compare/run.ts";
import { calibrate } from "../../test/bench/measure/calibration.ts";
import { runtimeBenches } from "../../test/bench/runtime-benches.ts";
import { type BenchRabbit, startBenchRabbit } from "../../test/bench/shop/bench-rabbit.ts";
import { stopRunningShops } from "../../test/bench/shop/shop-process.ts";
import { commitOf, type Tree, treeOfCommit, treeOfToday } from "../../test/bench/shop/tree.ts";
import { shopBenches } from "../../test/bench/shop-benches.ts";
import { command, subcommand, wholeNumber } from "../support/command.ts";

const MODES = ["embedded", "cluster"] as const;
const seconds = new Option("--seconds <n>", "of load").argParser(wholeNumber(1)).default(20);
const rounds = new Option("--rounds <n>", "of which min, median and max are shown")
  .argParser(wholeNumber(1))
  .default(3);
const mode = new Option("--mode <mode>", "only one of the two").choices(MODES);
const count = new Option("--count <n>", "products of the catalogue").argParser(wholeNumber(1)).default(1_000);
const orders = new Option("--orders <n,…>", "numbers of orders at which growth is measured")
  .argParser((text) => text.split(",").map((it) => wholeNumber(1)(it)))
  .default([50_000]);
const wait = new Option("--wait <n>", "seconds to wait for a quiet machine, at most, in all")
  .argParser(wholeNumber(0))
  .default(120);
const processes = new Option(
  "--processes <n>",
  "that a cluster's services share, or `each`, which is what older commits always do",
).argParser(processCount);
const json = new Option("--json <file>", "where the figures are written as JSON");

interface Given {
  seconds: number;
  rounds: number;
  mode?: (typeof MODES)[number] | undefined;
  count: number;
  orders: readonly number[];
  wait: number;
  processes?: string | undefined;
  json?: string | undefined;
}

const trees: Tree[] = [];
let rabbit: BenchRabbit | undefined;
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
  .addOption(orders)
  .addOption(wait)
  .addOption(processes)
  .addOption(json)
  .action((named, given) => run(named, given, [{ name: "today", dir: undefined }]));

bench.addCommand(
  subcommand("compare", "Measures this tree and another commit in turn, and prints the ratios.")
    .argument("<commit>", "as git names it", knownCommit)
    .addArgument(
      new Argument("[bench...]", "all of these where none is named").choices(Object.keys(shopBenches)),
    )
    .addOption(seconds)
    .addOption(rounds)
    .addOption(mode)
    .addOption(count)
    .addOption(orders)
    .addOption(wait)
    .addOption(processes)
    .addOption(json)
    .action(async (commit, named, given) => {
      trees.unshift(treeOfCommit(commit, print));
      trees.unshift(treeOfToday(print));
      const all = Object.keys(shopBenches);
      await run(named.length > 0 ? named : all, given, trees);
    }),
);

process.once("exit", () => {
  for (const it of trees) it.remove();
});
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, async () => {
    print(`${signal}: ending what was started`);
    await stopRunningShops();
    await rabbit?.stop();
    process.exit(130);
  });
try {
  await bench.parseAsync();
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  // After a failure, a shop may still run.
  await stopRunningShops();
  await rabbit?.stop();
}

function processCount(text: string): string {
  if (text === "each" || /^[1-9]\d?$/.test(text)) return text;
  throw new InvalidArgumentError("It must be a number, or each.");
}

function knownCommit(ref: string): string {
  try {
    return commitOf(ref);
  } catch {
    throw new InvalidArgumentError("git knows no such commit.");
  }
}

async function run(named: readonly string[], given: Given, sides: readonly Side[]): Promise<void> {
  const isNamed = ([name]: readonly [string, unknown]) => named.length === 0 || named.includes(name);
  const modes = given.mode ? [given.mode] : MODES;
  const shops = Object.entries(shopBenches).filter(isNamed);
  const runtimes = Object.entries(runtimeBenches).filter(isNamed);
  print(`${cpus().length} cores, ${cpus()[0]?.model ?? "unknown CPU"}, Node ${process.version}`);
  if ((shops.length > 0 && modes.includes("cluster")) || runtimes.some(([, it]) => it.needsRabbit))
    rabbit = await startBenchRabbit(print);

  const runner = benchRunner({ ...given, sides, modes, rabbit, print });
  const calibration = await runner.calibration(() => calibrate(rabbit?.url));
  const results: BenchResult[] = [];
  for (const [name, it] of shops) results.push(...(await runner.shop(name, it)));
  for (const [name, it] of runtimes) results.push(await runner.runtime(name, it));
  if (given.json)
    writeFileSync(given.json, `${JSON.stringify(report(given, calibration, results), null, 2)}\n`);
}

function report({ json: _, ...options }: Given, calibration: unknown, results: readonly BenchResult[]) {
  const machine = { cores: cpus().length, model: cpus()[0]?.model ?? "unknown CPU", node: process.version };
  return { at: new Date().toISOString(), machine, calibration, options, results };
}

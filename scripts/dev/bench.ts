/**
 * `npm run bench`: measures Souk on this machine. Each figure comes with the number of cores, and the shares of Node,
 * store, RabbitMQ and the load generator.
 */
import { cpus } from "node:os";
import { Argument, Option } from "@commander-js/extra-typings";
import { benches } from "../../test/bench/benches.ts";
import { command, wholeNumber } from "../support/command.ts";

const bench = command("bench", "Measures throughput and latency of Souk on this machine.")
  .addArgument(new Argument("[bench...]", "all where none is named").choices(Object.keys(benches)))
  .option("--seconds <n>", "of load", wholeNumber(1), 20)
  .addOption(new Option("--mode <mode>", "only one of the two").choices(["embedded", "cluster"] as const))
  .option("--count <n>", "products of the catalogue", wholeNumber(1), 1_000)
  .parse();
const [named] = bench.processedArgs;
const { seconds, count, mode } = bench.opts();

console.log(`${cpus().length} cores, ${cpus()[0]?.model ?? "unknown CPU"}, Node ${process.version}`);
const modes = mode ? [mode] : (["embedded", "cluster"] as const);
for (const [name, run] of Object.entries(benches))
  if (named.length === 0 || named.includes(name)) await run({ seconds, modes, count });

/**
 * `npm run chaos`: a cluster with its own RabbitMQ and store, and customers who order and pay. Meanwhile every kind
 * of process is killed, frozen and disconnected, repeatedly. When everything is idle again, a snapshot is checked.
 * Exits with 1 when a check fails. Ends after about twice the given time, and after 5 minutes at the latest.
 */
import { randomInt } from "node:crypto";
import { cpus } from "node:os";
import { Option } from "@commander-js/extra-typings";
import { atLength, briefly } from "../../test/chaos/lengths.ts";
import { reportOf } from "../../test/chaos/report.ts";
import { runChaos } from "../../test/chaos/run.ts";
import { command, wholeNumber } from "../support/command.ts";

const { brief, ...given } = command(
  "chaos",
  "Kills, freezes and disconnects processes of a private cluster while customers order and pay, then checks all data.",
)
  .option("--orders <n>", "checkouts", wholeNumber(1), 2_000)
  .option("--seconds <n>", "over which they are spread", wholeNumber(1), 120)
  .addOption(
    new Option("--seed <n>", "of the random choice of faults")
      .argParser(wholeNumber(1))
      .default(randomInt(1, 1_000_000), "a random one"),
  )
  .option("--brief", "kills each kind of few processes once")
  .option("--keep", "leaves data and logs where they are")
  .parse()
  .opts();

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    console.log(`${signal}: ending what was started`);
    stop.abort();
  });

console.log(`${cpus().length} cores, ${cpus()[0]?.model ?? "unknown CPU"}, Node ${process.version}`);
console.log(`seed ${given.seed}`);
try {
  const started = performance.now();
  const report = await runChaos({
    ...given,
    ...(brief ? briefly : atLength),
    print: (line) => console.log(line),
    signal: stop.signal,
  });
  console.log(reportOf(report, (performance.now() - started) / 1_000, given.seed));
  process.exitCode = report.results.some((it) => it.failures.length > 0) ? 1 : 0;
} catch (error) {
  console.error(stop.signal.aborted ? "stopped; nothing was checked" : error);
  process.exitCode = stop.signal.aborted ? 130 : 1;
}

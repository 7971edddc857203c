/**
 * `npm run fuzz -- --requests 20000 --seed 1`: sends requests of all kinds to a shop in memory. Fails on any fault.
 */
import { randomInt } from "node:crypto";
import { Option } from "@commander-js/extra-typings";
import { fuzz, printed } from "../../test/fuzz/run.ts";
import { startFuzzedShop } from "../../test/fuzz/shop.ts";
import { command, wholeNumber } from "../support/command.ts";
import { createProgress } from "../support/progress.ts";

const options = command(
  "fuzz",
  "Sends valid and invalid requests to a shop in memory. Exits with 1 on a fault.",
)
  .option("--requests <n>", "how many", wholeNumber(1), 20_000)
  .addOption(
    new Option("--seed <n>", "of what is sent")
      .argParser(wholeNumber(0))
      .default(randomInt(1_000_000), "a random one"),
  )
  .option("--connections <n>", "at once", wholeNumber(1, 1_000), 8)
  .parse()
  .opts();
const shop = await startFuzzedShop();
const progress = createProgress("requests");
try {
  const report = await fuzz({
    ...options,
    ...shop,
    progress: (done) => done < options.requests && progress.report(done, options.requests),
  });
  progress.end();
  for (const line of printed(report)) console.log(line);
  if (report.fault.length > 0) process.exitCode = 1;
} finally {
  await shop.stop();
}

/** `npm run fuzz -- --requests 20000 --seed 1`: requests of all kinds to a shop in memory; fails on any fault. */
import { parseArgs } from "node:util";
import { fuzz, printed } from "../test/fuzz/run.ts";
import { startFuzzedShop } from "../test/fuzz/shop.ts";
import { createProgress } from "./support/progress.ts";

const USAGE = "usage: npm run fuzz [-- --requests 20000] [--seed 1] [--connections 8]";

function numbersOrExit(): { requests: number; seed: number; connections: number } {
  try {
    const { values } = parseArgs({
      options: {
        requests: { type: "string", default: "20000" },
        seed: { type: "string", default: String(Math.floor(Math.random() * 1_000_000)) },
        connections: { type: "string", default: "8" },
      },
    });
    const numbers = {
      requests: Number(values.requests),
      seed: Number(values.seed),
      connections: Number(values.connections),
    };
    const wrong = Object.entries(numbers).find(([, n]) => !Number.isSafeInteger(n) || n < 0);
    if (!wrong) return numbers;
    console.error(`--${wrong[0]}: must be a whole number`);
  } catch (error) {
    console.error((error as Error).message);
  }
  console.error(USAGE);
  process.exit(2);
}

const options = numbersOrExit();
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

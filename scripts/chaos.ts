/**
 * `npm run chaos [-- --orders 2000 --seconds 120 --seed N]`: the whole cluster on its own RabbitMQ and store, customers
 * who order and pay, and meanwhile every kind of process killed, frozen and cut off, again and again. Then all is left
 * to come to rest, and the snapshot are checked. Exits 1 when a check fails; `--keep` leaves data and logs where they are,
 * `--brief` kills each kind of few processes once. Ends after about twice the given time and 5 minutes at the latest.
 */
import { randomInt } from "node:crypto";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { tableOf } from "../test/chaos/checks/check.ts";
import { eachService, fewProcesses } from "../test/chaos/cluster/cluster.ts";
import { recoveryTable, worstRecovery } from "../test/chaos/report.ts";
import { type ChaosReport, runChaos } from "../test/chaos/run.ts";

const { values } = parseArgs({
  options: {
    orders: { type: "string", default: "2000" },
    seconds: { type: "string", default: "120" },
    seed: { type: "string", default: String(randomInt(1, 1_000_000)) },
    brief: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
});
const [orders, seconds, seed] = [whole("orders"), whole("seconds"), whole("seed")];

function whole(name: "orders" | "seconds" | "seed"): number {
  const given = Number(values[name]);
  if (!Number.isSafeInteger(given) || given < 1) {
    console.error(`--${name} must be a whole number above 0, not ${values[name]}`);
    process.exit(2);
  }
  return given;
}

/** A short run waits for little: orders expire soon, customers give up soon. */
const briefly = {
  plan: fewProcesses,
  brief: true,
  customers: 12,
  orderTtl: 10,
  retryForMs: 15_000,
  settleMs: 120_000,
};
const atLength = {
  plan: eachService,
  brief: false,
  // At once. Many more would only wait for each other on a machine of two cores.
  customers: 40,
  orderTtl: 30,
  retryForMs: 45_000,
  settleMs: 180_000,
};

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    console.log(`${signal}: ending what was started`);
    stop.abort();
  });

console.log(`${cpus().length} cores, ${cpus()[0]?.model ?? "unknown CPU"}, Node ${process.version}`);
console.log(`seed ${seed}`);
try {
  const started = performance.now();
  const report = await runChaos({
    orders,
    seconds,
    seed,
    ...(values.brief ? briefly : atLength),
    print: (line) => console.log(line),
    signal: stop.signal,
    keep: values.keep,
  });
  print(report, (performance.now() - started) / 1_000);
  process.exitCode = report.results.some((it) => it.failures.length > 0) ? 1 : 0;
} catch (error) {
  console.error(stop.signal.aborted ? "stopped; nothing was checked" : error);
  process.exitCode = stop.signal.aborted ? 130 : 1;
}

function print({ results, recoveries, flows, requests, keptIn }: ChaosReport, took: number): void {
  console.log("\nCustomers, and how it ended for them:");
  for (const [what, count] of [...flows].sort()) console.log(`  ${String(count).padStart(6)}  ${what}`);
  console.log(
    `  ${requests.requests} requests, ${requests.repeated} of them repeated; ${requests.gaveUp} given up`,
  );
  const kills = recoveries.filter((it) => it.isKill);
  const others = recoveries.filter((it) => !it.isKill);
  console.log(
    `\n${kills.length} kills, ${others.length} freezes and cuts; from each until a checkout worked again:`,
  );
  console.log(recoveryTable(recoveries));
  console.log(
    `  worst recovery after a kill: ${worstRecovery(kills)}; after anything else: ${worstRecovery(others)}`,
  );
  console.log(`\nChecks, after ${took.toFixed(0)} s, seed ${seed}:`);
  console.log(tableOf(results));
  if (keptIn) console.log(`\ndata and logs are in ${keptIn}`);
}

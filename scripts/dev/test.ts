/**
 * `npm test`: types, lint, then every suite, on real servers that are found, started or installed. Three specs run at
 * a time. Specs that measure time, or start many processes, run afterwards, one by one.
 */
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { countingInto, readCounts } from "../../test/support/counting-reporter.ts";
import { provideServers } from "../../test/support/servers/servers.ts";
import { command } from "../support/command.ts";
import { runTool } from "../support/run-tool.ts";

/** These take a minute or so. They start first, so that nothing waits for them at the end. */
const LONG = [
  "test/e2e/new.spec.ts",
  "test/leak/leak.spec.ts",
  "test/unit/actor/shop-matrix.spec.ts",
  "test/integration/bus/rabbit-cluster.spec.ts",
  "test/integration/node/{mixed-versions,one-shop}.spec.ts",
  "test/e2e/{package,hostile-input,access-matrix,help,bench,production}.spec.ts",
  "test/integration/actor/crash-matrix.spec.ts",
  "test/integration/bus/{amqp-bus,management}.spec.ts",
  "test/unit/linear-time/parsers.spec.ts",
];
const ALONE = [
  "test/chaos/chaos.spec.ts",
  "test/e2e/{dead-letters,flood,memory-alarm,rolling-restart,story-cluster}.spec.ts",
  "test/integration/actor/partitions{,-at-rest}.spec.ts",
  "test/integration/node/fast-discoverer.spec.ts",
];

const [named] = command(
  "test",
  "Runs types, lint and all test suites, on servers that it finds, starts or installs.",
)
  .argument("[spec...]", "files of tests to run instead of all")
  .parse().processedArgs;
const print = (line: string) => console.log(line);
let failed = false;

/** Continues after a failure, so that one run shows all failures. */
async function run(title: string, tool: string, args: readonly string[], env = {}): Promise<void> {
  print(`\n— ${title}`);
  if ((await runTool(tool, args, env)) === 0) return;
  failed = true;
  console.error(`${title}: failed`);
}

try {
  // More checkers check the same types several times. On two cores that takes longer.
  await run("types", "tsc", ["--checkers", "1"]);
  await run("lint", "biome", ["check", "."]);
  const servers = await provideServers(print);
  const folder = mkdtempSync(join(tmpdir(), "souk-test-counts-"));
  const counting = countingInto(join(folder, "counts"));
  const env = { ...servers.env, ...counting.env, NODE_ENV: "test" };
  const mocha = (title: string, args: readonly string[]) =>
    run(title, "mocha", [...counting.args, ...args], env);
  try {
    if (named.length > 0) await mocha("tests", named);
    else {
      const alone = globSync(ALONE);
      const others = globSync(["{test,services}/**/*.spec.ts", "{packages,examples}/*/test/**/*.spec.ts"], {
        exclude: [...ALONE, ...LONG],
      });
      const long = LONG.flatMap((it) => globSync(it));
      await mocha("tests, three at a time", ["--parallel", "--jobs", "3", ...long, ...others]);
      await mocha("tests, one by one", alone);
    }
    const { passed, failed, skipped } = readCounts(join(folder, "counts"));
    print(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  } finally {
    rmSync(folder, { recursive: true });
    await servers.stop();
  }
} catch (error) {
  failed = true;
  console.error(error instanceof Error ? error.message : error);
}
process.exitCode = failed ? 1 : 0;

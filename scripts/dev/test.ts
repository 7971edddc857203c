/**
 * `npm test`: types, lint, then every suite, against real servers that are found, started or installed. Specs run three
 * at a time; those that look at the time something takes, or start many processes, come after them, one by one.
 */
import { globSync } from "node:fs";
import { provideServers } from "../../test/support/servers.ts";
import { command } from "../support/command.ts";
import { runTool } from "../support/run-tool.ts";

/** Take a minute or so: begun first, so that nothing waits for them in the end. */
const LONG = [
  "test/unit/actor/shop-matrix.spec.ts",
  "test/integration/bus/rabbit-cluster.spec.ts",
  "test/integration/actor/crash-matrix.spec.ts",
];
const ALONE = [
  "test/chaos/chaos.spec.ts",
  "test/e2e/{dead-letters,flood,memory-alarm,rolling-restart,story-cluster}.spec.ts",
  "test/integration/actor/partitions{,-at-rest}.spec.ts",
  "test/integration/node/prompt-discoverer.spec.ts",
];

const [named] = command(
  "test",
  "Runs types, lint and every suite, against servers that are found, started or installed.",
)
  .argument("[spec...]", "files of tests to run instead of all")
  .parse().processedArgs;
const print = (line: string) => console.log(line);
let failed = false;

/** Goes on after a failure, so that one run tells all. */
async function run(title: string, tool: string, args: readonly string[], env = {}): Promise<void> {
  print(`\n— ${title}`);
  if ((await runTool(tool, args, env)) === 0) return;
  failed = true;
  console.error(`${title}: failed`);
}

try {
  await run("types", "tsc", []);
  await run("lint", "biome", ["check", "."]);
  const servers = await provideServers(print);
  const env = { ...servers.env, NODE_ENV: "test" };
  try {
    if (named.length > 0) await run("tests", "mocha", named, env);
    else {
      const alone = globSync(ALONE);
      const others = globSync(["{test,services}/**/*.spec.ts", "packages/*/test/**/*.spec.ts"], {
        exclude: [...ALONE, ...LONG],
      });
      await run("tests, three at a time", "mocha", ["--parallel", "--jobs", "3", ...LONG, ...others], env);
      await run("tests, one by one", "mocha", alone, env);
    }
  } finally {
    await servers.stop();
  }
} catch (error) {
  failed = true;
  console.error(error instanceof Error ? error.message : error);
}
process.exitCode = failed ? 1 : 0;

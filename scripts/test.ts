/** `npm test`: types, lint, then every suite with coverage, against real servers that are found, started or installed. */
import { spawn } from "node:child_process";
import { provideServers } from "../test/support/servers.ts";

// Named specs run alone: `npm test -- test/unit/orders/*.spec.ts`.
const specs = process.argv.length > 2 ? process.argv.slice(2) : ["test/**/*.spec.ts"];
const print = (line: string) => console.log(line);

async function run(
  title: string,
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<void> {
  print(`\n— ${title}`);
  const child = spawn(command, args, { stdio: "inherit", env: { ...process.env, ...env } });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
  if (code !== 0) throw new Error(`${title} failed`);
}

try {
  await run("types", "tsc", []);
  await run("lint", "biome", ["check", "."]);
  const servers = await provideServers(print);
  try {
    await run("tests", "c8", ["mocha", ...specs], { ...servers.env, NODE_ENV: "test" });
  } finally {
    await servers.stop();
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

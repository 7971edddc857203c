/** Every npm script of ours has help, and refuses wrong arguments before it starts anything. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Tools to which npm only passes arguments, and scripts that npm runs by itself. */
const TOOLS = ["format", "lint", "mocha", "prepack", "types", "prepare"];
const preload = new URL("../support/scripts/nothing-starts.mjs", import.meta.url).href;

const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};
const own = Object.entries(scripts).filter(([name]) => !TOOLS.includes(name));

describe("npm scripts", function () {
  this.timeout(60_000);
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "souk-help-"));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  /** Runs it as npm does, in a process that ends when it starts something. */
  async function run(script: string, ...args: readonly string[]) {
    const child = spawn("sh", ["-c", `${script} "$@"`, "sh", ...args], {
      cwd: ROOT,
      env: {
        ...process.env,
        NODE_ENV: "development",
        NODE_OPTIONS: `--import ${preload}`,
        PATH: `${join(ROOT, "node_modules/.bin")}${delimiter}${process.env.PATH}`,
        DATA_DIR: join(dir, "data"),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close") as Promise<[number | null]>,
    ]);
    assert.deepEqual(await readdir(dir), []);
    return { code, stdout, stderr };
  }

  async function help(script: string, ...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await run(script, ...args, "--help");
    assert.equal(code, 0, stderr);
    assert.equal(stderr, "");
    return stdout;
  }

  it("are command lines of scripts/, or tools", () => {
    for (const [name, script] of own) assert.match(script, /^node .* scripts\/(?:dev\/)?[\w-]+\.ts$/, name);
  });

  for (const [name, script] of own) {
    const npm = ["start", "test"].includes(name) ? `npm ${name}` : `npm run ${name}`;

    it(`${npm} -- --help says how it is used, and starts nothing`, async () => {
      const usage = await help(script);
      assert.ok(usage.startsWith(`Usage: ${npm} -- `), usage);
      const commands = usage.split("\nCommands:\n")[1] ?? "";
      for (const [, command = ""] of commands.matchAll(/^ {2}([\w-]+)/gm))
        assert.ok((await help(script, command)).startsWith(`Usage: ${npm} -- ${command} `));
    });

    it(`${npm} -- --no-such-option is refused with one line, and starts nothing`, async () => {
      const { code, stdout, stderr } = await run(script, "--no-such-option");
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, /^error: unknown option '--no-such-option'[^\n]*\n$/);
    });
  }

  it("are refused with one line that names a value which they do not take", async () => {
    for (const [name, args, found] of [
      ["seed", ["--count", "many"], /'--count <n>' argument 'many' .* whole number from 1 to 1000000/],
      ["chaos", ["--orders", "0"], /'--orders <n>' argument '0' .* whole number, 1 or more/],
      ["emulators", ["--port", "1.5"], /'--port <n>' argument '1.5' .* from 0 to 65000/],
      ["emulators", ["--speed", "0"], /'--speed <n>' argument '0' .* above 0/],
      ["emulators", ["--shop", "ftp://here"], /'--shop <url>' argument 'ftp:\/\/here' .* address of HTTP/],
      ["cluster", ["--nodes", "orders=2,warehouse=1"], /'--nodes <list>' .*warehouse=1 is not service=count/],
      ["node", ["orders", "warehouse"], /'warehouse' is invalid for argument 'service'/],
      ["node", ["orders", "--fast"], /unknown option '--fast'/],
      ["bench", ["checkout", "speed"], /'speed' is invalid for argument 'bench'/],
      ["bench", ["--mode", "both"], /'--mode <mode>' argument 'both'/],
      ["payments-stress", ["--provider", "cash"], /'--provider <name>' argument 'cash'/],
      ["migrate", ["sideways"], /unknown command 'sideways'/],
      ["migrate", ["up", "warehouse"], /'warehouse' is invalid for argument 'service'/],
      ["migrate", ["down"], /missing required argument 'service'/],
      ["dlq", ["show"], /missing required argument 'queue'/],
      ["dlq", ["show", "order.1", "few"], /value 'few' .* argument 'n'/],
      ["dlq", ["list", "order.1"], /too many arguments for 'list'/],
      ["shop", ["adopt"], /missing required argument 'id'/],
      ["shop", ["adopt", "x", "--messages", "burn"], /'--messages <what>' argument 'burn'/],
      ["seed", ["many"], /too many arguments/],
      ["release", ["next"], /'next' .* such as 1\.2\.0/],
    ] as const) {
      const { code, stdout, stderr } = await run(scripts[name] ?? assert.fail(name), ...args);
      assert.deepEqual([code, stdout], [2, ""], `${name} ${args.join(" ")}: ${stderr}`);
      assert.match(stderr, found);
      assert.match(stderr, /^error: [^\n]*\n$/);
    }
  });

  it("show what there is where a command is left out", async () => {
    for (const name of ["dlq", "migrate", "shop"]) {
      const { code, stdout, stderr } = await run(scripts[name] ?? assert.fail(name));
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, /^Usage: /);
    }
  });
});

describe("the check that nothing starts", () => {
  it("sees what writes, connects, listens or runs a process", async () => {
    for (const statement of [
      `require("node:fs").mkdirSync("/nowhere")`,
      `import("node:fs/promises").then((it) => it.writeFile("/nowhere", ""))`,
      `require("node:net").connect(1)`,
      `require("node:http").createServer().listen(0)`,
      `require("node:child_process").spawn("true")`,
      `new (require("node:worker_threads").Worker)("/nowhere")`,
    ]) {
      const child = spawn(process.execPath, ["--import", preload, "-e", statement], { stdio: "ignore" });
      assert.deepEqual(await once(child, "exit"), [99, null], statement);
    }
  });
});

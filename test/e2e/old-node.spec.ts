/** Scripts on a Node that is too old. They run on the one that npm has installed, or say what is missing. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { text } from "node:stream/consumers";

/** Makes the process pretend to be an old Node, but not its child processes. */
const PRETEND = `
if (process.env.PRETEND) {
  delete process.env.PRETEND;
  Object.defineProperty(process.versions, "node", { value: "20.20.2" });
}`;
const SCRIPT = `
if (process.argv[2] === "wait") {
  process.once("SIGTERM", () => process.exit(7));
  setInterval(() => undefined, 1_000);
}
console.log(JSON.stringify({ node: process.versions.node, args: process.argv.slice(2), path: process.env.PATH }));
if (process.argv[2] !== "wait") process.exitCode = 3;`;

describe("scripts on a Node that is too old", () => {
  let dir: string;
  const packaged = () => join(dir, `node_modules/node-${process.platform}-${process.arch}/bin/node`);

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "souk-old-node-"));
    await mkdir(join(dir, "scripts/support"), { recursive: true });
    for (const file of ["preload.mjs", "memory-settings.mjs"])
      await copyFile(`scripts/support/${file}`, join(dir, "scripts/support", file));
    await writeFile(join(dir, "pretend.mjs"), PRETEND);
    await writeFile(join(dir, "script.mjs"), SCRIPT);
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const start = (...args: readonly string[]) =>
    spawn(
      process.execPath,
      ["--import", "./pretend.mjs", "--import", "./scripts/support/preload.mjs", "script.mjs", ...args],
      { cwd: dir, env: { ...process.env, PRETEND: "1" }, stdio: ["ignore", "pipe", "pipe"] },
    );

  async function bringNode(): Promise<void> {
    await mkdir(dirname(packaged()), { recursive: true });
    await symlink(process.execPath, packaged());
  }

  it("run on the one that npm has installed, and so do the tools that they run", async () => {
    await bringNode();
    const child = start("one", "two words");
    const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
    const { node, args, path } = JSON.parse(stdout);
    assert.deepEqual([node, args, code], [process.versions.node, ["one", "two words"], 3]);
    assert.equal(path.split(delimiter)[0], dirname(packaged()));
  });

  it("stop as they do elsewhere", async () => {
    await bringNode();
    const child = start("wait");
    await once(child.stdout, "data");
    child.kill("SIGTERM");
    assert.deepEqual(await once(child, "exit"), [7, null]);
  });

  it("say what they need where there is none", async () => {
    const child = start();
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close"),
    ]);
    assert.deepEqual([stdout, code], ["", 1]);
    assert.match(stderr, /^Souk needs Node\.js 24 or newer; this is .*\n$/);
  });
});

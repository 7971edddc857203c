import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { firstAdmin, putOnSale } from "../../souk/testing/people.ts";
import { type Shop, startShop } from "../../souk/testing/start-shop.ts";

const run = promisify(execFile);
const root = new URL("../..", import.meta.url).pathname;
const SOURCE = join(root, "test/e2e/generated-client");

/**
 * openapi-typescript needs a TypeScript 5 beside ours. So it is no dependency of Souk: it is installed here, in a folder of
 * its own, as the team of a client would.
 */
describe("a client generated from docs/openapi.json", function () {
  this.timeout(180_000);
  let shop: Shop;
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "souk-client-"));
    for (const file of ["package.json", "package-lock.json", "story.ts", "tsconfig.json"])
      await cp(join(SOURCE, file), join(dir, file));
    const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
    await run("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"], { cwd: dir, env });
    await symlink(join(root, "node_modules/@types"), join(dir, "node_modules/@types"));
    shop = await startShop();
    await putOnSale(await firstAdmin(shop.http));
  });
  after(async () => {
    await shop?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it("does the story without a cast: its types are right for the compiler, and true of a shop", async () => {
    const story = await readFile(join(dir, "story.ts"), "utf8");
    assert.doesNotMatch(story, /\bas\b (?!the|a)|\bany\b|@ts-|!\./);
    await run(
      process.execPath,
      ["node_modules/openapi-typescript/bin/cli.js", join(root, "docs/openapi.json"), "-o", "schema.d.ts"],
      { cwd: dir },
    );
    await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "."], { cwd: dir });
    const { stdout } = await run(process.execPath, ["story.ts", `${shop.url}/api/v1`], { cwd: dir });
    assert.match(stdout, /^Ann has ordered Lamp .*: paid\n$/);
  });
});

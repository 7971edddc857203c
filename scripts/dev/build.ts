/**
 * `npm run build`, and so `npm pack`: JavaScript and types of the package, in dist/. Below node_modules Node.js runs no
 * TypeScript, so names of files become those of what was made of them.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { command } from "../support/command.ts";

command("build", "Makes the package, JavaScript and types, in dist/. npm pack does so by itself.").parse();

const root = fileURLToPath(new URL("../..", import.meta.url));
const dist = join(root, "dist");

/** Workspace packages that become part of this one, with the file that their name stands for. */
const WORKSPACES: Readonly<Record<string, string>> = {
  "@souk/embedded-mongo": "packages/embedded-mongo/src/index.js",
};
/** What the compiler does not know of. */
const ASSETS = ["scripts/support/preload.mjs"];

rmSync(dist, { recursive: true, force: true });
const tsc = join(root, "node_modules/.bin/tsc");
const { status } = spawnSync(tsc, ["-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
if (status !== 0) process.exit(1);
for (const file of globSync("**/*.{js,d.ts}", { cwd: dist })) {
  const path = join(dist, file);
  writeFileSync(path, inPackage(readFileSync(path, "utf8"), path));
}
for (const file of ASSETS) copyFileSync(join(root, file), join(dist, file));

/** A made file with the names of made files in it: in declarations, in `new URL`, and of workspace packages. */
function inPackage(text: string, path: string): string {
  const names = Object.entries(WORKSPACES).reduce((made, [name, file]) => {
    const to = relative(dirname(path), join(dist, file));
    return made.replaceAll(`"${name}"`, `"${to.startsWith(".") ? to : `./${to}`}"`);
  }, text);
  const urls = names.replaceAll(/(new URL\("[^"]+)\.ts"(, import\.meta\.url\))/g, '$1.js"$2');
  return path.endsWith(".d.ts") ? urls.replaceAll(/"(\.\.?\/[^"]+)\.ts"/g, '"$1.js"') : urls;
}

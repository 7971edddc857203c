/**
 * `npm run build`, also part of `npm pack`: JavaScript and types of the package, in dist/. Node.js runs no TypeScript
 * below node_modules, so file names are changed to those of the output.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { command } from "../support/command.ts";

command("build", "Builds the package, JavaScript and types, in dist/. npm pack runs it too.").parse();

const root = fileURLToPath(new URL("../..", import.meta.url));
const dist = join(root, "dist");

/** Workspace packages that become part of this one, with the file for their name. */
const WORKSPACES: Readonly<Record<string, string>> = {
  "@souk/embedded-mongo": "packages/embedded-mongo/src/index.js",
  "@souk/embedded-mongo/driver": "packages/embedded-mongo/src/port/driver.js",
};
/** Files that the compiler ignores. */
const ASSETS = ["scripts/support/preload.mjs", "scripts/support/memory-settings.mjs"];

rmSync(dist, { recursive: true, force: true });
const tsc = join(root, "node_modules/.bin/tsc");
const { status } = spawnSync(tsc, ["-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
if (status !== 0) process.exit(1);
for (const file of globSync("**/*.{js,d.ts}", { cwd: dist })) {
  const path = join(dist, file);
  writeFileSync(path, inPackage(readFileSync(path, "utf8"), path));
}
for (const file of ASSETS) copyFileSync(join(root, file), join(dist, file));

/** An output file with the names of output files in it: in declarations, in `new URL`, and of workspace packages. */
function inPackage(text: string, path: string): string {
  const names = Object.entries(WORKSPACES).reduce((made, [name, file]) => {
    const to = relative(dirname(path), join(dist, file));
    return made.replaceAll(`"${name}"`, `"${to.startsWith(".") ? to : `./${to}`}"`);
  }, text);
  const urls = names.replaceAll(/(new URL\("[^"]+)\.ts"(, import\.meta\.url\))/g, '$1.js"$2');
  return path.endsWith(".d.ts") ? urls.replaceAll(/"(\.\.?\/[^"]+)\.ts"/g, '"$1.js"') : urls;
}

/**
 * `npm run release -- 1.2.0`: what CHANGELOG.md has as unreleased becomes that version's, and the present contracts become those
 * of the last release (docs/contracts.json), against which later ones are compared.
 */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { contractSnapshot, snapshotText } from "./contracts/snapshot.ts";

const UNRELEASED = "## [Unreleased]";

/** @throws where there is nothing to release, or the version is there already */
export function released(changelog: string, version: string, day: string): string {
  const [before, after] = changelog.split(UNRELEASED);
  if (before === undefined || after === undefined) throw new Error(`CHANGELOG.md has no ${UNRELEASED}`);
  if (changelog.includes(`## [${version}]`)) throw new Error(`CHANGELOG.md has ${version} already`);
  if (!after.split("\n## ")[0]?.includes("- ")) throw new Error("CHANGELOG.md has nothing unreleased");
  return `${before}${UNRELEASED}\n\n## [${version}] - ${day}${after}`;
}

if (import.meta.main) {
  const [version = ""] = process.argv.slice(2);
  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version)) {
    console.error("usage: npm run release -- <version>, e.g. 1.2.0");
    process.exit(1);
  }
  const file = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
  const changelog = await readFile(file("CHANGELOG.md"), "utf8");
  const made = released(changelog, version, new Date().toISOString().slice(0, 10));
  const manifest = await readFile(file("package.json"), "utf8");
  await writeFile(file("CHANGELOG.md"), made);
  await writeFile(file("package.json"), manifest.replace(/"version": "[^"]+"/, `"version": "${version}"`));
  await writeFile(file("docs/contracts.json"), snapshotText({ ...(await contractSnapshot()), version }));
  await writeFile(file("docs/accepted-changes.json"), "[]\n");
  console.log(`${version}: now run npm run docs, and commit`);
}

/**
 * `npm run release -- 1.2.0`: what CHANGELOG.md has as unreleased becomes that version's, and the present contracts become those
 * of the last release (docs/contracts.json), against which later ones are compared.
 */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { contractSnapshot, snapshotText } from "./contracts/snapshot.ts";
import { command } from "./support/command.ts";

const UNRELEASED = "## [Unreleased]";

/** @throws where there is nothing to release, or the version is there already */
export function released(changelog: string, version: string, day: string): string {
  const [before, after] = changelog.split(UNRELEASED);
  if (before === undefined || after === undefined) throw new Error(`CHANGELOG.md has no ${UNRELEASED}`);
  if (changelog.includes(`## [${version}]`)) throw new Error(`CHANGELOG.md has ${version} already`);
  if (!after.split("\n## ")[0]?.includes("- ")) throw new Error("CHANGELOG.md has nothing unreleased");
  return `${before}${UNRELEASED}\n\n## [${version}] - ${day}${after}`;
}

function versionNumber(text: string): string {
  if (/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(text)) return text;
  throw new InvalidArgumentError("It must be a version such as 1.2.0.");
}

if (import.meta.main) {
  const [version] = command(
    "release",
    "Makes a section of what CHANGELOG.md has as unreleased, and takes the present contracts as the released ones.",
  )
    .argument("<version>", "such as 1.2.0", versionNumber)
    .parse().processedArgs;
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
